# The template's commands. The generated repository has its own Makefile; `rehearsal` calls that one.
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
# The control plane stands on the data plane, which is copied byte for byte and so can be imported where it is
control = PYTHONPATH="$$PWD:$$PWD/$(template)" "$(baked_venv)/bin/python"

.PHONY: help rehearsal rehearsal-baked bake test test-fast test-control test-baked lint type type-control audit bench tree pins clean install install-control install-control-dev

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

rehearsal: install-control  ## all ten steps on an embedded AWS (DATA=folder or file, else looked up)
	@data="$(DATA)"; \
	$(control) -m catalog.rehearsal run --approve --publisher "$(venv)/bin/python" $${data:+--data "$$data"}

rehearsal-baked: bake  ## render the template, and run steps 4 to 10 in it, without the control plane
	@data="$(DATA)"; \
	if [ -n "$$data" ] && [ ! -e "$$data" ] && [ -e "$(PWD)/$$data" ]; then data="$(PWD)/$$data"; fi; \
	if [ -e "$$data" ]; then data="$$(cd "$$(dirname "$$data")" && pwd)/$$(basename "$$data")"; fi; \
	status=0; $(MAKE) --no-print-directory -C "$(baked)" rehearsal DATA="$$data" VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)" || status=$$?; \
	for file in "$(baked)"/build/rehearsal/*.json "$(baked)"/build/rehearsal/*.html; do \
		if [ -e "$$file" ]; then cp "$$file" build/rehearsal/; fi; done; exit $$status

bake: install
	@rm -f build/rehearsal/report.json
	@"$(venv)/bin/cookiecutter" --no-input --overwrite-if-exists --default-config --output-dir build/rehearsal . >build/rehearsal.log || \
		{ cat build/rehearsal.log; exit 1; }

test:  ## everything: the template, then the generated repository with its whole rehearsal
	@$(MAKE) --no-print-directory --keep-going lint type audit test-fast test-control test-baked

test-fast: install  ## the tests of the template alone
	$(python) -m pytest

test-baked: bake
	$(MAKE) --no-print-directory -C "$(baked)" test VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"
	$(MAKE) --no-print-directory -C "$(baked)" rehearsal DATA="$${TEST_DATA:-synthetic}" VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"

lint: install  ## style
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	"$(venv)/bin/shellcheck" "$(template)"/constraints/*.sh .ci/run

test-control: install-control-dev  ## the control plane of the rehearsal, and the ten steps on the small sample
	$(control) -m pytest --confcutdir=tests/control tests/control

type: install type-control  ## types
	$(python) -m mypy

type-control: install-control-dev
	MYPYPATH="$(template)" "$(baked_venv)/bin/python" -m mypy --config-file catalog/rehearsal/mypy.ini

audit:  ## security: checkov over the CloudFormation templates, an IAM linter over their policies (no network)
	@$(install) "$(audit_venv)" "$(PYTHON)" constraints audit
	"$(audit_venv)/bin/python" -m tests.catalog.audit

bench: install-control bake  ## measurements, one row each
	$(python) -m bench.render
	$(python) -m bench.install
	$(python) -m bench.hook
	$(control) -m bench.control
	$(MAKE) --no-print-directory -C "$(baked)" bench VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"

tree: install  ## write tests/tree.txt anew after adding or removing a file of the template
	$(python) -m tests.tree

pins: install  ## resolve every pinned set anew (needs a package index)
	sh "$(template)/constraints/compile.sh" "$$PWD/$(venv)/bin/uv"
	sh constraints/compile.sh "$$PWD/$(venv)/bin/uv"

clean:  ## remove what the commands wrote
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis

install:
	@mkdir -p build/rehearsal
	@$(install) "$(venv)" "$(PYTHON)" constraints dev

install-control: install
	@$(install) "$(baked_venv)" "$(PYTHON)" "$(template)/constraints" rehearsal dev
	@"$(venv)/bin/python" -m catalog.bundle write >/dev/null

install-control-dev: install
	@$(install) "$(baked_venv)" "$(PYTHON)" "$(template)/constraints" dev
	@"$(venv)/bin/python" -m catalog.bundle write >/dev/null
