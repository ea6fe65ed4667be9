# make run: the main job on the practice internet. make test: every check and test but the slow
# ones, which make slow runs; make cov: the same tests with coverage, which takes longer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test cov slow check docs screenshots sbom audit clean

run: $(VENV)/.core
	$(BIN)/scamtrail demo -w practice

test: check $(VENV)/.system
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"
	@echo "make test: everything passed"

cov: $(VENV)/.dev $(VENV)/.system
	$(BIN)/coverage erase
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" --cov --cov-report=term

# Exit code 5 of pytest: there are none.
slow: $(VENV)/.dev $(VENV)/.system
	$(BIN)/pytest -q -m slow; code=$$?; test $$code -eq 0 -o $$code -eq 5

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

screenshots: $(VENV)/.dev $(VENV)/.system
	$(BIN)/scamtrail demo -q -w practice --free-ports
	PYTHONPATH=tests/helpers $(BIN)/python tests/browser/screenshots.py practice/seed-1-sites-300

# What the environment is made of (CycloneDX), and known weaknesses of it.
sbom: $(VENV)/.audit
	$(BIN)/cyclonedx-py environment --output-reproducible --output-format JSON -o sbom.json \
	  $(BIN)/python
	@echo "sbom.json: written"

audit: $(VENV)/.audit
	.ci/audit

clean:
	rm -rf $(VENV) practice build .mypy_cache .ruff_cache .pytest_cache .coverage

# A fresh Debian has Python without its venv module; install it where that is allowed.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  .ci/packages python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/.core: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[desk,render,qr,scale,dev]'
	@touch $@

$(VENV)/.audit: $(VENV)/.core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	@touch $@

# Real programs that the tests load our files into. Tests name what they skip without them.
$(VENV)/.system: $(BIN)/python .ci/packages $(wildcard .ci/consumers/*)
	.ci/packages bind9 bind9-utils bind9-dnsutils dnsmasq-base unbound knot-resolver pdns-recursor \
	  squid openssh-client nginx libnginx-mod-http-brotli-static caddy  nftables ipset \
	  || echo "make: some consumers cannot be tested here"
	.ci/packages chromium fonts-wqy-microhei fonts-tlwg-loma-otf \
	  || echo "make: nothing can be tested in a browser here"
	.ci/packages faketime prometheus redis-server systemd \
	  || echo "make: some faults, alerts or units cannot be tested here"
	.ci/packages -b suricata || echo "make: Suricata cannot be tested here"
	command -v npm >/dev/null || .ci/packages npm || true
	.ci/consumers/install $(VENV)/consumers $(BIN)/python \
	  || echo "make: AdGuard's engine or sing-box cannot be tested here"
	@touch $@
