# Everything that a user or CI does, by one word. The logic of `deps`, `build` and `run` is in .ci/, where it can be read and
# checked.

.PHONY: help run test under-load torture fleet-test fleet-torture thread-sanitizer built-tests vm-test gpu-check deps test-deps build deb lint format install uninstall clean

PREFIX ?= /usr/local
DESTDIR ?=
UNITS = $(notdir $(wildcard Systemd/*.service Systemd/*.socket Systemd/*.timer))
# The Python environments of the tests, which outlive a checkout.
export TASKWATT_TEST_ENVIRONMENTS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/taskwatt-tests/environments
# `strict` makes warnings of our own code errors; those of packages stay out of it.
STRICT = TASKWATT_STRICT=1 swift build --build-tests --explicit-target-dependency-import-check error

help:
	@echo 'make run      install what is missing, build, and measure a first table'
	@echo 'make test     install what is missing, and run every test'
	@echo 'make under-load  run every test three times beside processes that take all cores'
	@echo 'make torture  try for 30 minutes to break it from outside; HOURS=8 for longer'
	@echo 'make fleet-test  collect from a cluster of three nodes in namespaces: Slurm, PostgreSQL, Prometheus; takes a minute or two, as root'
	@echo 'make fleet-torture  try 100 times each to lose what goes to the collector; takes an hour or so'
	@echo 'make thread-sanitizer  run the tests of what works at once under it; builds for 10 minutes the first time'
	@echo 'make vm-test  install the package in a virtual machine and try it there; takes 15 minutes, after `make deb`'
	@echo 'make gpu-check  pack what measures a machine with a GPU where nothing is installed, after `make build`'
	@echo 'make deps     install what is missing to build and run'
	@echo 'make build    build .build/release/taskwatt'
	@echo 'make deb      build .build/deb/taskwatt_<version>_<architecture>.deb'
	@echo 'make lint     check the style of the code; `make format` fixes it'
	@echo 'make clean    remove what was built and measured here'
	@echo 'make install  into PREFIX=$(PREFIX), with the systemd unit; `make uninstall` takes it away'

# It builds only where neither a program of these sources is built nor one is installed.
run:
	.ci/first-table

test: built-tests
	.ci/test

under-load: built-tests
	Tests/under-load --runs 3

built-tests: test-deps
	$(STRICT)
	.ci/test-environments

# Of the program that is there. The part that needs root says so where it is not.
HOURS ?= 0.5
torture:
	Tests/Torture/torture --hours $(HOURS)

# Of the program that is there, as above. It needs root and says so.
fleet-test:
	.ci/deps --test
	Tests/Fleet/fleet-test

# Of the program that is there, as above.
TIMES ?= 100
fleet-torture:
	Tests/Fleet/fleet-torture --times $(TIMES)

# The part of the above whole, however long it takes.
thread-sanitizer:
	Tests/Torture/torture --part threads --seconds 86400

# Of the package that is there: to build one takes longer than this.
vm-test:
	.ci/deps --vm
	Tests/SystemTest/vm-test

# Of the program that is there, as above.
gpu-check:
	Tests/Devices/make-gpu-check

deps:
	.ci/deps

test-deps:
	.ci/deps --test

build: deps
	.ci/build

deb: build
	.ci/deps --deb
	.ci/deb

lint:
	Tests/trap-lint
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Plugins

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests Plugins

install:
	@.ci/build --check || { echo 'install: nothing is built of these sources; run `make build` first' >&2; exit 1; }
	install -D -s -m 0755 .build/release/taskwatt $(DESTDIR)$(PREFIX)/bin/taskwatt
	set -e; for plugin in $(notdir $(wildcard Plugins/*)); do \
	    (cd Plugins/$$plugin && find . -type f ! -name '*.swift' ! -name '*.pyc' -exec install -D -m 0644 '{}' "$(abspath $(DESTDIR)/)$(PREFIX)/lib/taskwatt/plugins/$$plugin/{}" ';'); \
	done
	head -n 1 .build/taskwatt-stamp > $(DESTDIR)$(PREFIX)/lib/taskwatt/sources
	install -d $(DESTDIR)/usr/lib/taskwatt/engines/onnxruntime $(DESTDIR)/usr/lib/systemd/system
	if [ -d .engines/onnxruntime ]; then \
	    cp -a .engines/onnxruntime/. $(DESTDIR)/usr/lib/taskwatt/engines/onnxruntime/; fi
	set -e; for unit in $(UNITS); do \
	    sed 's|/usr/bin/taskwatt|$(PREFIX)/bin/taskwatt|' Systemd/$$unit > $(DESTDIR)/usr/lib/systemd/system/$$unit; \
	    chmod 0644 $(DESTDIR)/usr/lib/systemd/system/$$unit; \
	done
	install -D -m 0644 Systemd/taskwatt.sysusers $(DESTDIR)/usr/lib/sysusers.d/taskwatt.conf
	install -D -m 0644 Systemd/60-taskwatt.rules $(DESTDIR)/usr/lib/udev/rules.d/60-taskwatt.rules
	@echo 'Installed. To run it as a service: sudo systemd-sysusers && sudo systemctl daemon-reload && sudo systemctl enable --now taskwatt'

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/taskwatt $(addprefix $(DESTDIR)/usr/lib/systemd/system/,$(UNITS))
	rm -f $(DESTDIR)/usr/lib/sysusers.d/taskwatt.conf $(DESTDIR)/usr/lib/udev/rules.d/60-taskwatt.rules
	rm -rf $(DESTDIR)$(PREFIX)/lib/taskwatt $(DESTDIR)/usr/lib/taskwatt

clean:
	rm -rf .build .run table.csv runs.csv
