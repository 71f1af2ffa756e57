#!/bin/sh
# Print the Pythons that can run icp_ml: 3.11 or newer, with what a virtual environment needs.
#
#   scripts/find_python.sh         the path of the one to use: $PYTHON where set, else python3 where it is one
#                                  of the tested versions, else the newest tested version found
#   scripts/find_python.sh --all   "3.12 /path/to/python" for each tested version found, newest first
#
# Looks on PATH and among pyenv's versions. Prints nothing and ends with 1 where there is none.

tested="3.13 3.12 3.11"

probe='
import ctypes, ensurepip, sqlite3, ssl, sys, venv
if sys.version_info < (3, 11):
    sys.exit(1)
print("%d.%d" % sys.version_info[:2], sys.executable)
'

# "3.12 /path/to/python" of a usable Python, else nothing.
describe() {
    "$1" -c "$probe" 2>/dev/null
}

candidates() {
    for version in $tested; do
        echo "python$version"
        # A pyenv version works by its own path, whichever version pyenv's shims stand for here.
        for path in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python"$version"; do
            [ -x "$path" ] && echo "$path"
        done
    done
}

all() {
    seen=" "
    for candidate in python3 $(candidates); do
        found=$(describe "$candidate") || continue
        version=${found%% *}
        case "$seen" in *" $version "*) continue ;; esac
        case " $tested " in *" $version "*) ;; *) continue ;; esac
        seen="$seen$version "
        echo "$found"
    done | sort -t. -k2,2 -n -r
}

if [ "${1:-}" = "--all" ]; then
    all
    exit 0
fi

if [ -n "${PYTHON:-}" ]; then
    found=$(describe "$PYTHON") || exit 1
    echo "${found#* }"
    exit 0
fi

default=$(describe python3)
case " $tested " in
    *" ${default%% *} "*) [ -n "$default" ] && echo "${default#* }" && exit 0 ;;
esac
newest=$(all | head -n 1)
found=${newest:-$default}
[ -n "$found" ] || exit 1
echo "${found#* }"
