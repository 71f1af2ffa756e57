#!/bin/sh
# Run the whole suite on the main Python (.venv), and what is neither slow nor in a browser on one more:
# the newest other tested Python on this machine. With arguments: pytest with those, on the main Python only.
#
#   ICP_ML_ONE_PYTHON=1   leave the second Python out
#   ICP_ML_TEST_WORKERS   processes (2)

set -u
cd "$(dirname "$0")/.." || exit 1

# Two processes share the cores; OpenMP threads that wait by spinning would take them from each other.
export OMP_WAIT_POLICY=PASSIVE
export PYTHONUNBUFFERED=1
workers=${ICP_ML_TEST_WORKERS:-2}

version_of() {
    "$1/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi

main=$(version_of .venv)
other=
if [ -z "${ICP_ML_ONE_PYTHON:-}" ]; then
    other=$(scripts/find_python.sh --all | grep -v "^$main " | head -n 1)
fi

status=0
recap="Python $main, the whole suite:"
echo "== Tests on Python $main: the whole suite"
.venv/bin/python -m pytest -n "$workers" --dist worksteal || status=1
[ "$status" = 0 ] && recap="$recap passed" || recap="$recap FAILED"

if [ -n "$other" ]; then
    version=${other%% *}
    folder=.venv-$version
    echo "== Tests on Python $version: all but the slow ones and those in a browser"
    if scripts/make_venv.sh "$folder" "${other#* }" &&
        "$folder/bin/python" -m pytest -n "$workers" --dist worksteal -m "not slow and not browser"; then
        recap="$recap; Python $version, all but slow and browser: passed"
    else
        status=1
        recap="$recap; Python $version, all but slow and browser: FAILED"
    fi
elif [ -z "${ICP_ML_ONE_PYTHON:-}" ]; then
    recap="$recap; no other tested Python (3.11 to 3.13) is on this machine"
fi

echo "== $recap"
exit $status
