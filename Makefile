# Front of the CMake build. Every target installs what it needs (root) or says what to install.
.DEFAULT_GOAL := help
.PHONY: help setup build sim wave test bench lint format generate area mutants clean
MAKEFLAGS += --no-print-directory

BUILD := build/release
VENV := build/venv/bin
JOBS ?= $(shell nproc)

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install tools and libraries, also those of lint
	@scripts/setup

$(BUILD)/build.ninja:
	@scripts/setup build
	cmake --preset release

build: $(BUILD)/build.ninja ## compile everything
	cmake --build --preset release -j $(JOBS)

test: build ## run all tests
	ctest --preset release -j $(JOBS) $(CTEST)

lint: ## all static checks, each with its time
	@scripts/setup
	scripts/lint

format: ## format C++ and Python in place
	@scripts/setup
	git ls-files '*.cpp' '*.hpp' '*.h' ':!sw/include/systolith/command.h' ':!sw/include/systolith/registers.h' | xargs clang-format -i
	$(VENV)/ruff format -q scripts
	$(VENV)/ruff check -q --fix scripts

generate: ## registers and command layouts from rtl/registers/*.rdl
	@scripts/setup lint
	$(VENV)/python scripts/generate.py

area: ## cells, flip-flops and memory bits of each module
	@scripts/setup lint
	$(VENV)/python scripts/area

mutants: ## plant known faults and see that a test fails for each
	@scripts/setup
	$(VENV)/python scripts/mutants

clean: ## remove build/
	rm -rf build
