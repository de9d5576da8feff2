# The front door. `make run` and `make test` bring a fresh Debian 12 machine from nothing to done.
BUILD ?= build
JOBS  ?= $(shell nproc)
RACCORD_CORPUS  ?= $(abspath ../shared/corpus)
RACCORD_VECTORS ?= $(abspath ../shared/vectors)
export RACCORD_CORPUS RACCORD_VECTORS

.PHONY: all run test bare deps deps-build build unit e2e asan sim tsan fuzz fuzz-long bench fmt fmt-check layers headers install clean

all: build

run: build                  ## the demo: a description becomes a connector, a connection, an answered call
	./$(BUILD)/raccord demo

test: deps layers fmt-check build unit asan tsan e2e fuzz   ## everything CI checks, sanitizers included

deps:
	@tools/install-deps
deps-build:
	@tools/install-deps --build

$(BUILD)/build.ninja: | deps-build
	@meson setup $(BUILD) --buildtype=release -Db_lto=true -Dtests=false >/dev/null
build: deps-build $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) raccord

unit: deps                  ## unit tests without sanitizers
	@test -f build-unit/build.ninja || meson setup build-unit >/dev/null
	@ninja -C build-unit -j $(JOBS) >/dev/null && meson test -C build-unit --no-rebuild --print-errorlogs

asan: deps                  ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-asan -j $(JOBS) >/dev/null && UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 meson test -C build-asan --no-rebuild --print-errorlogs

sim: deps                   ## the workflow engine under 10,000 seeds of faults and crashes
	@test -f build-unit/build.ninja || meson setup build-unit >/dev/null
	@ninja -C build-unit -j $(JOBS) unit-wf-sim >/dev/null && RACCORD_SIM_SEEDS=10000 build-unit/unit-wf-sim

tsan: deps                  ## threaded unit tests under ThreadSanitizer
	@test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C build-tsan -j $(JOBS) >/dev/null && meson test -C build-tsan --no-rebuild --print-errorlogs

e2e: build                  ## black-box tests: the real binary on loopback
	@tests/e2e/run

FUZZ_SECONDS ?= 30
fuzz: deps                  ## every fuzz target for FUZZ_SECONDS (30)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz
fuzz-long:
	@$(MAKE) fuzz FUZZ_SECONDS=600

bare:                       ## the start of the README on a bare Debian 12, in a chroot (root, debootstrap)
	@tools/bare-machine

bench: build                ## the benchmark table of docs/benchmarks.md, with the references beside ours
	@tests/bench/run

fmt:
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]')
fmt-check:
	@clang-format --dry-run -Werror $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]')
layers:                     ## imports point one way; every header compiles alone
	@tools/check-layers
	@tools/check-headers
	@tools/api-reference --check

install: build
	@meson install -C $(BUILD)

clean:
	rm -rf build build-unit build-asan build-tsan build-fuzz
