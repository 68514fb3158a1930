# dpdlab: everything happens in .venv, which is made when it is needed.
#   make demo    install, and show the report of a capture with a dead peer
#   make test    all checks and tests; installs tshark and tcpdump when it may (same as .ci/run)
#   make check   the same without installing Debian packages
#   make bench   speed and memory beside tcpdump and tshark
#   make bench-live   packets, probes, log lines and a long day of dpdlab live (as root)
#   make bench-console   first paint and keys of the console, in a session of a million events
#   make screenshots   the pictures of the README
#   make clean   remove what these made
# PYTHON=... chooses the interpreter, BENCH="--quick" the options of the benchmark.

DEAD_PEER := sample_pcaps/ikev1-dead-peer
BENCH ?=

.PHONY: help demo test check bench bench-live bench-console screenshots clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

demo:
	@.ci/environment
	.venv/bin/dpdlab report $(DEAD_PEER)/capture.pcap $(DEAD_PEER)/charon-a.log

test:
	@.ci/run

check:
	@.ci/run --no-packages

bench:
	@.ci/environment
	@.venv/bin/python -m tests.benchmarks.run $(BENCH)

bench-live:
	@.ci/environment dev
	@.venv/bin/python -m tests.benchmarks.run_live $(BENCH)

screenshots:
	@.ci/environment dev
	@.venv/bin/python -m tests.tui.screenshots

bench-console:
	@.ci/environment
	@.venv/bin/python -m tests.benchmarks.run_console $(BENCH)

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find analyzers dpdlab tests -name __pycache__ -type d -prune -exec rm -rf {} +
