# Z-GPT's commands. Each sets up what it needs; nothing has to be installed but Python 3.11 and make.
PYTHON ?= python3
RUN = .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: run test check audit sbom format coverage chaos bench lock images-lock image clean help

run: ## start Z-GPT and the built-in model; prints the address
	@$(PYTHON) scripts/setup.py run
	@$(RUN) -m zgpt serve

test: ## run every test: JavaScript and Python, real services, a real browser
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/node --test --test-reporter=spec 'tests/js/**/*.test.js'
	@$(RUN) -m tests.side_by_side

check: ## formatting, lint, import contracts, dead code, types
	@$(PYTHON) scripts/setup.py check
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/lint-imports && .venv/bin/vulture
	@.venv/bin/mypy && PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/npm run --silent types

audit: ## secrets, licences, rules of our own, workflows, image (ONLINE=1 also asks for known holes)
	@$(PYTHON) scripts/setup.py audit
	@$(RUN) -m audit $(if $(ONLINE),--online)

sbom: ## write what a serving Z-GPT consists of to build/sbom/, as CycloneDX
	@$(PYTHON) scripts/setup.py audit
	@$(RUN) -m audit --only 'bill of materials'

format: ## let the formatter and the linter mend what they can
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix .

coverage: ## the Python tests once more, with coverage by branches; delivery, runs and access must be complete
	@$(PYTHON) scripts/setup.py test
	@$(RUN) -m coverage run -m tests.side_by_side && $(RUN) -m coverage combine -q && $(RUN) -m coverage report
	@$(RUN) -m coverage report --fail-under=100 --include='zgpt/realtime/*,zgpt/gateway/*,zgpt/runs/*,zgpt/*/access.py'

chaos: ## the full chaos runs: forced drops, killed servers, stalled readers, and the storm over four workers
	@$(PYTHON) scripts/setup.py test
	@$(RUN) -m tests.chaos

bench: ## measure Z-GPT beside its peers; docs/benchmarks.md explains the figures
	@$(PYTHON) scripts/setup.py test
	@$(RUN) -m bench

lock: ## pin and hash every requirement anew (UPGRADE=1 takes newer versions)
	@$(RUN) scripts/lock.py $(if $(UPGRADE),--upgrade)

images-lock: ## write down the digest of each container image that has none (UPGRADE=1 looks all up anew)
	@$(PYTHON) scripts/images.py lock $(if $(UPGRADE),--upgrade)

image: ## build the container image from what docker/images.lock names (TAG=z-gpt)
	@$(PYTHON) scripts/images.py run \
		docker build --build-arg PYTHON_3_13_SLIM -f docker/Dockerfile -t $(or $(TAG),z-gpt) .

clean: ## remove what was fetched and built; your data in instance/ stays
	@rm -rf .venv .venv-audit build node_modules audit/node_modules tests/browser/node_modules static/pwa/vendor bench/.venv bench/peers/node_modules

help: ## these lines
	@awk -F ': ## ' '/^[a-z-]+: ## /{printf "make %-11s %s\n", $$1, $$2}' Makefile
