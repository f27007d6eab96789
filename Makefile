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

.PHONY: help rehearsal bake test test-fast test-baked lint type audit bench tree pins clean install

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

rehearsal: bake  ## render the template, and run steps 4 to 10 in it (DATA=folder or file, else looked up)
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

test: lint type audit test-fast test-baked  ## everything: the template, then the generated repository with its whole rehearsal

test-fast: install  ## the tests of the template alone
	$(python) -m pytest

test-baked: bake
	$(MAKE) --no-print-directory -C "$(baked)" test VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"
	$(MAKE) --no-print-directory -C "$(baked)" rehearsal DATA="$${TEST_DATA:-synthetic}" VENV="$$PWD/$(baked_venv)" PYTHON="$(PYTHON)"

lint: install  ## style
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	"$(venv)/bin/shellcheck" "$(template)"/constraints/*.sh .ci/run

type: install  ## types
	$(python) -m mypy

audit:  ## security: checkov over the CloudFormation templates, an IAM linter over their policies (no network)
	@$(install) "$(audit_venv)" "$(PYTHON)" constraints audit
	"$(audit_venv)/bin/python" -m tests.catalog.audit

bench: install bake  ## measurements, one row each
	$(python) -m bench.render
	$(python) -m bench.install
	$(python) -m bench.hook
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
