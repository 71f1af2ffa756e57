#!/bin/sh
# Make the virtual environment FOLDER with the interpreter PYTHON (found by itself when not given) and install
# everything from the lock file, checked by hash, and icp_ml itself in editable form. Does nothing where that is done.
#
#   scripts/make_venv.sh FOLDER [PYTHON]

set -eu
cd "$(dirname "$0")/.."
folder=$1
asked=${2:-}
python=${asked:-$(scripts/find_python.sh)}

# pip itself may be configured to look in several places; what each lacks is no news.
install() {
    "$folder/bin/python" -m pip install --quiet --quiet --no-input --progress-bar off "$@"
}

# An environment that is there already is kept, unless another interpreter was asked for by name.
fits() {
    [ "$(cat "$folder/.locked" 2>/dev/null)" = "$locked" ] && version=$("$folder/bin/python" --version 2>/dev/null) &&
        { [ -z "${PYTHON:-}${asked:-}" ] || [ "$version" = "$("$python" --version)" ]; }
}

locked=$({ pwd; cat requirements.lock; } | cksum)
if ! fits; then
    packages=$(grep -c '==' requirements.lock)
    echo "Making $folder with $("$python" --version): up to $packages packages from the lock file, about two minutes ..."
    rm -rf "$folder"
    "$python" -m venv "$folder"
    # Spark is published as source only; it is built with what the lock file holds, so that nothing else is fetched.
    source='/^pyspark==/,/[^\\]$/'
    sed "${source}d" requirements.lock > "$folder/binary.lock"
    sed -n "${source}p" requirements.lock > "$folder/source.lock"
    install --only-binary :all: --require-hashes -r "$folder/binary.lock"
    install --no-deps --no-build-isolation --no-binary :all: --require-hashes -r "$folder/source.lock"
    echo "$locked" > "$folder/.locked"
fi

described=$(cksum < pyproject.toml)
if [ "$(cat "$folder/.described" 2>/dev/null)" != "$described" ]; then
    # The build backend comes from the lock file too, so nothing is fetched that has no hash there.
    install --no-deps --no-build-isolation --editable .
    echo "$described" > "$folder/.described"
fi
