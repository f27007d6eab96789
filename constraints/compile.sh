#!/bin/sh
# Write the template's pinned sets anew, with hashes and without the address of any index.
# usage: compile.sh UV   (the path of uv; `make pins` calls it)
set -eu
uv=$1
cd "$(dirname "$0")"
pin() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}
pin --upgrade dev.in -o dev.txt
pin --constraints dev.txt render.in -o render.txt
# Not held to dev.txt: checkov pins older packages of its own, hence also an environment of its own
pin --upgrade audit.in -o audit.txt
