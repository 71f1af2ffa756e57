#!/bin/sh
# Check what must be on the machine before `make demo`: one sentence for each missing part, and then exit code 1.
# Needs nothing but a shell.

cd "$(dirname "$0")/.." || exit 1
missing=0

report() {
    echo "missing: $1" >&2
    missing=1
}

# The package that brings `venv` on Debian is named after the Python it belongs to.
explain_python() {
    wanted=${PYTHON:-python3}
    if ! command -v "$wanted" >/dev/null 2>&1; then
        report "$wanted is not on this machine: install Python 3.11 or newer with  apt-get install python3 python3-venv"
        return
    fi
    version=$("$wanted" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
    if [ -z "$version" ]; then
        report "$wanted does not start: install Python 3.11 or newer with  apt-get install python3 python3-venv"
    elif ! "$wanted" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        report "$wanted is Python $version, and 3.11 or newer is needed: install one, then  make demo PYTHON=/path/to/it"
    elif ! "$wanted" -c 'import ensurepip, venv' 2>/dev/null; then
        report "Python $version cannot make virtual environments here: install that part with  apt-get install python3-venv  (or python$version-venv)"
    else
        report "Python $version was built without ctypes, sqlite3 or ssl: use Debian's with  make demo PYTHON=/usr/bin/python3"
    fi
}

python=$(scripts/find_python.sh) || explain_python

for tool in make git; do
    command -v "$tool" >/dev/null 2>&1 || report "$tool is not on this machine: install it with  apt-get install $tool"
done

# LightGBM's wheel brings everything but the OpenMP runtime.
if [ -n "$python" ]; then
    case $(uname -s) in
        Linux)
            "$python" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null ||
                report "libgomp1 (OpenMP, needed by LightGBM) is not on this machine: install it with  apt-get install libgomp1"
            ;;
        Darwin)
            "$python" -c 'import ctypes.util, os, sys
sys.exit(not (ctypes.util.find_library("omp") or os.path.exists("/opt/homebrew/opt/libomp/lib/libomp.dylib")))' ||
                report "libomp (OpenMP, needed by LightGBM) is not on this machine: install it with  brew install libomp"
            ;;
    esac
fi

[ "$missing" -eq 0 ] || exit 1
[ "${1:-}" = "--quiet" ] || echo "All prerequisites are here; Python: $python"
