#!/bin/sh
# Install one pinned set into a virtual environment, once: a second call with unchanged pins installs nothing.
# usage: install.sh VENV PYTHON FOLDER SET [LARGER-SET]
#   FOLDER/SET.txt is installed, unless it, or FOLDER/LARGER-SET.txt (which contains it), is what VENV already holds.
#   Wheels in the folder `wheels` beside FOLDER are taken from there.
set -eu
venv=$1 python=$2 folder=$3 set=$4 larger=${5:-}
uv_pins=$(dirname "$0")/uv.txt
if [ -d "$folder/../wheels" ]; then set -- --find-links "$folder/../wheels"; else set --; fi

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
installed() { [ -n "$1" ] && cmp -s "$folder/$1.txt" "$venv/.pins-$1" && supported "$venv/bin/python"; }

if installed "$set" || installed "$larger"; then exit 0; fi

if ! supported "$venv/bin/python"; then
    for candidate in "$python" python3.12 python3.13 python3.11 ''; do
        if [ -n "$candidate" ] && supported "$candidate"; then break; fi
    done
    if [ -z "$candidate" ]; then
        echo "error: Python 3.11, 3.12 or 3.13 is needed; $python is $("$python" -V 2>&1 || true)." \
            "Install one of them, or name it: make PYTHON=/path/to/python3.12 ..." >&2
        exit 2
    fi
    "$candidate" -m venv --clear "$venv"
fi

echo "installing $folder/$set.txt into $venv (once)" >&2
rm -f "$venv"/.pins-*
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$uv_pins"
# uv does not read pip's configuration. Where an index is known to pip only, pip does the same job, slower.
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" "$@" --require-hashes "$folder/$set.txt" ||
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" --require-hashes --no-deps -r "$folder/$set.txt"
cp "$folder/$set.txt" "$venv/.pins-$set"
