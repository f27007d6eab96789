# The template's commands. The generated repository has its own Makefile.
SHELL = /bin/sh
PYTHON ?= python3
DATA ?=

template = {{cookiecutter.project_slug}}
venv = build/venv
baked_venv = build/baked-venv
audit_venv = build/audit-venv
python = "$(venv)/bin/python"
baked = build/rehearsal/adult-income
install = sh "$(template)/constraints/install.sh"

.PHONY: help rehearsal bake test test-fast test-engine test-rehearsed test-baked lint type audit bench wheel tree pins clean install bundles

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

rehearsal: bundles  ## all ten steps on an embedded AWS (DATA=folder or file, else looked up)
	@data="$(DATA)"; "$(venv)/bin/rehearse" run --approve $${data:+--data "$$data"}

bake: install
	@"$(venv)/bin/cookiecutter" --no-input --overwrite-if-exists --default-config --output-dir build/rehearsal . >build/rehearsal.log || \
		{ cat build/rehearsal.log; exit 1; }

test:  ## everything: the template, the engine, then the generated repository with its whole rehearsal
	@$(MAKE) --no-print-directory --keep-going lint type audit test-fast test-engine test-rehearsed test-baked

test-fast: install  ## the tests of the template alone
	$(python) -m pytest

test-engine: install  ## the tests of the engine alone
	cd rehearsal && "../$(venv)/bin/python" -m pytest

test-rehearsed: bundles  ## the product on the engine, and the ten steps on the small sample
	$(python) -m pytest tests/rehearsed

test-baked: bake
	$(MAKE) --no-print-directory -C "$(baked)" test VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"
	$(MAKE) --no-print-directory -C "$(baked)" rehearsal DATA="$${TEST_DATA:-synthetic}" VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"

lint: install  ## style, and which room of the engine may import which
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	cd rehearsal && "../$(venv)/bin/lint-imports" --no-logo --no-cache
	"$(venv)/bin/shellcheck" "$(template)"/constraints/*.sh constraints/*.sh .ci/run

type: install  ## types
	$(python) -m mypy
	cd rehearsal && "../$(venv)/bin/python" -m mypy

audit:  ## security: checkov over the CloudFormation templates, an IAM linter over their policies (no network)
	@$(install) "$(audit_venv)" "$(PYTHON)" constraints audit
	"$(audit_venv)/bin/python" -m tests.catalog.audit

bench: bundles  ## measurements, one row each
	$(python) -m bench.render
	$(python) -m bench.install
	$(python) -m bench.hook
	$(python) -m bench.control
	$(python) -m bench.definition
	cd rehearsal && for name in flow endpoint; do "../$(venv)/bin/python" -m "bench.$$name" || exit 1; done

wheel: install  ## build the engine's wheel into the template, and pin it; after each change of the engine or the product
	$(python) rehearsal/wheel.py

tree: install  ## write tests/tree.txt anew after adding or removing a file of the template
	$(python) -m tests.tree

pins: install  ## resolve every pinned set anew (needs a package index)
	sh "$(template)/constraints/compile.sh" "$$PWD/$(venv)/bin/uv"
	sh constraints/compile.sh "$$PWD/$(venv)/bin/uv"

clean:  ## remove what the commands wrote
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis rehearsal/.mypy_cache rehearsal/.hypothesis

# The engine is installed from its source, so that an edit needs no wheel
install:  ## make the environment build/venv, with the command rehearse
	@mkdir -p build/rehearsal
	@$(install) "$(venv)" "$(PYTHON)" constraints dev
	@[ -x "$(venv)/bin/rehearse" ] || $(python) -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
		--no-build-isolation --editable rehearsal

bundles: install
	@$(python) -m catalog.bundle write >/dev/null
