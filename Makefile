# SPDX-License-Identifier: Apache-2.0
# The front door.  Every target first gets what it needs (tools/setup.sh; the second time nothing).
BUILD ?= build
FUZZ_SECONDS ?= 60
DEMO_ARGS ?= --recordings .cache/recordings
ASAN = -Db_sanitize=address,undefined -Db_lundef=false -Darena=emulate
TSAN = -Db_sanitize=thread -Db_lundef=false

all:
	tools/setup.sh
	tools/build $(BUILD)

test:
	tools/setup.sh test
	tools/build $(BUILD)
	tools/run-tests $(BUILD)

demo:
	tools/setup.sh demo
	tools/build $(BUILD)
	$(BUILD)/mulgil demo --recordings .cache/recordings $(DEMO_ARGS)

asan:
	tools/setup.sh test
	tools/build build-asan $(ASAN)
	tools/run-tests --no-lint build-asan

tsan:
	tools/setup.sh test
	tools/build build-tsan $(TSAN)
	tools/run-tests --no-lint build-tsan

lint:
	tools/setup.sh test
	tools/run-tests --only lint

tidy:
	tools/setup.sh test
	tools/build $(BUILD)
	clang-tidy -p $(BUILD) --quiet $$(git ls-files 'src/*.c')

format:
	tools/setup.sh test
	clang-format -i $$(git ls-files 'src/*.[ch]' 'functions/*.[ch]' 'tests/*.[ch]')

fuzz:
	tools/setup.sh test
	CC=clang tools/build build-fuzz -Dfuzzers=true $(ASAN)
	tools/fuzz build-fuzz $(FUZZ_SECONDS)

bench:
	tools/setup.sh
	tools/build $(BUILD)
	for script in bench/*; do if [ -f "$$script" ] && [ -x "$$script" ]; then "$$script" $(BUILD) || exit 1; fi; done

clean:
	rm -rf build build-asan build-tsan build-fuzz

.PHONY: all test demo asan tsan lint tidy format fuzz bench clean
