# Front of the CMake build. Every target installs what it needs (root) or says what to install.
.DEFAULT_GOAL := help
.PHONY: help setup tool build sim board-sim wave test regress faults slurm-test fuzz bench coverage lint format generate area area-ecp5 mutants planted-mutants netlist-mutants formal clean python
MAKEFLAGS += --no-print-directory

BUILD := build/release
VENV := build/venv/bin
JOBS ?= $(shell nproc)
# Of campaigns: a cluster has other limits than this machine.
SEEDS_JOBS = $(if $(and $(filter slurm,$(RUNNER)),$(filter file,$(origin JOBS))),,--jobs '$(JOBS)') $(if $(RUNNER),--runner '$(RUNNER)')

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install tools and libraries, also those of lint
	@scripts/setup

# A file that left the RTL would stop ninja before it runs CMake again: so a changed list does.
$(BUILD)/build.ninja: CMakePresets.json $(wildcard rtl/packages.f rtl/*/files.f)
	@scripts/setup build
	cmake --preset release
	@touch $@

# The command-line tool with the driver, the model and the simulated devices.
tool: $(BUILD)/build.ninja
	cmake --build --preset release -j $(JOBS) --target systolith_tool

sim: tool ## demo on the simulated 16x16 device, compared bit for bit with the model
	build/systolith demo

sim-%: $(BUILD)/build.ninja ## the demo on another configuration (sim-8x8), or one system test (sim-NAME)
	@JOBS=$(JOBS) scripts/simulate sim '$*'

board-sim: $(BUILD)/build.ninja ## a simulated board behind a pseudo-terminal, for uart: devices, see docs/board.md
	cmake --build --preset release -j $(JOBS) --target simulated_board
	@$(BUILD)/verif/board/simulated_board

wave: ## waveform of a system test: TEST=name [FROM=cycle TO=cycle DEVICE=n CONFIG=names], see docs/debugging.md
	@scripts/setup build
	@JOBS=$(JOBS) scripts/simulate wave --test '$(TEST)' --config '$(CONFIG)' $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(DEVICE),--device $(DEVICE))

build: $(BUILD)/build.ninja ## compile everything
	cmake --build --preset release -j $(JOBS)

# Of the tests of scripts.
python:
	@scripts/setup lint

test: build python ## run all tests
	ctest --preset release -j $(JOBS) $(CTEST)

regress: $(BUILD)/build.ninja ## random programs: N=1000 SEED=1 [JOBS= CONFIG=names TIME=minutes RUNNER=slurm WEIGHTS= REGRESS=options]
	@scripts/setup lint
	cmake --build --preset release -j $(JOBS) --target systolith_regress
	@$(VENV)/python scripts/regress -n '$(or $(N),1000)' --seed '$(or $(SEED),1)' $(SEEDS_JOBS) --config '$(CONFIG)' $(if $(TIME),--time '$(TIME)') $(if $(WEIGHTS),--weights '$(WEIGHTS)') $(REGRESS)

faults: $(BUILD)/build.ninja ## injected faults: N=1000 SEED=1 [JOBS= CONFIG=names TIME=minutes RUNNER=slurm FAULTS=options]
	@scripts/setup lint
	cmake --build --preset release -j $(JOBS) --target systolith_faults
	@$(VENV)/python scripts/faults -n '$(or $(N),1000)' --seed '$(or $(SEED),1)' $(SEEDS_JOBS) --config '$(CONFIG)' $(if $(TIME),--time '$(TIME)') $(FAULTS)

slurm-test: $(BUILD)/build.ninja ## RUNNER=slurm on a cluster of this machine that the test starts; installs slurm-wlm and munge
	@scripts/setup lint slurm
	cmake --build --preset release -j $(JOBS) --target systolith_regress systolith_faults
	$(VENV)/python scripts/slurm-test

fuzz: ## parsers of outside input under libFuzzer: TIME=60 seconds each [JOBS= FUZZ=targets]
	@scripts/setup build fuzz
	@[ -e build/fuzz/build.ninja ] || cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	@scripts/fuzz --time '$(or $(TIME),60)' --jobs '$(JOBS)' $(FUZZ)

coverage: ## lines, branches, toggles, cover points of all tests: [JOBS= SEEDS=400 FAULT_SEEDS=400 COVERAGE=options]
	@scripts/setup lint
	@$(VENV)/python scripts/coverage --jobs '$(JOBS)' --seeds '$(or $(SEEDS),400)' --fault-seeds '$(or $(FAULT_SEEDS),400)' $(COVERAGE)

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

bench: tool ## cycles, roofline, traffic and simulation speed; BENCH=--write: everything, into docs/benchmarks.md
	@scripts/setup lint
	cmake --build --preset release -j $(JOBS) --target simulation_speed matrix_array_speed model_bench
	$(VENV)/python scripts/bench $(BENCH)

area: ## cells, flip-flops and memory bits of each module; AREA=--write: into docs/area.md
	@scripts/setup lint
	$(VENV)/python scripts/area $(AREA)

area-ecp5: ## the 8x8 device on an FPGA, against its limits (some minutes); AREA=--write
	@scripts/setup lint
	$(VENV)/python scripts/area --ecp5 $(AREA)

mutants: planted-mutants netlist-mutants ## faults that tests must find, planted and drawn: both of the next, 2 hours

planted-mutants: ## plant known faults and see that a test fails for each; MUTANTS=--write: into docs/testing.md
	@scripts/setup
	$(VENV)/python scripts/mutants $(MUTANTS)

netlist-mutants: ## faults that Yosys draws: how many does no test find? NETLISTS= units and options
	@scripts/setup
	$(VENV)/python scripts/netlist-mutants --jobs '$(JOBS)' $(NETLISTS)

formal: ## proofs of bus rules, queues and burst cutting; FORMAL='--all' or names, see docs/formal.md
	@scripts/setup lint
	scripts/formal $(FORMAL)

clean: ## remove build/
	rm -rf build
