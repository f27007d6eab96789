#!/bin/sh
# Write the template's pinned sets anew, with hashes and without the address of any index.
# usage: compile.sh UV [--upgrade-package NAME]...   (the path of uv; `make pins` calls it; without more, all is upgraded)
set -eu
uv=$1
shift
[ $# -gt 0 ] || set -- --upgrade
cd "$(dirname "$0")"
project='../{{cookiecutter.project_slug}}'
pin() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}
# The engine itself is installed from rehearsal/: see `install` in the Makefile
pin "$@" --override "$project/constraints/overrides.txt" --constraints "$project/constraints/dev.txt" \
    --find-links "$project/wheels" --no-emit-package sagemaker-rehearsal dev.in -o dev.txt
pin --constraints dev.txt render.in -o render.txt
# Not held to dev.txt: checkov pins older packages of its own, hence also an environment of its own
pin "$@" audit.in -o audit.txt
