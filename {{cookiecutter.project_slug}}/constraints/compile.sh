#!/bin/sh
# Write the pinned sets anew from the *.in files, with hashes and without the address of any index.
# usage: compile.sh UV [--upgrade-package NAME]...   (the path of uv; `make pins` calls it; without more, all is upgraded)
set -eu
uv=$1
shift
[ $# -gt 0 ] || set -- --upgrade
cd "$(dirname "$0")"
pin() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --find-links ../wheels \
        --no-emit-index-url --no-annotate --no-header "$@"
}
pin "$@" --override overrides.txt dev.in -o dev.txt
pin --override overrides.txt --override overrides-build.txt --constraints dev.txt build.in -o build.txt
pin --constraints dev.txt deploy.in -o deploy.txt
pin --override overrides.txt --constraints dev.txt rehearsal.in -o rehearsal.txt
echo uv | pin "$@" - -o uv.txt
