# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
#
# The front door. Everything is built by CMake; these targets only say what for.

PREFIX ?= /usr/local
JOBS   ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
BUILD  := build

.PHONY: all demo check check-frameworks bench bench-peers bench-peers-cuda install clean help

help:
	@echo 'make demo               run the main job on real Q, K and V (a minute or two from a fresh clone)'
	@echo 'make check              build with warnings as errors, run every test and the sanitizers'
	@echo 'make check-frameworks   the Python package beside PyTorch, MLX, JAX; downloads gigabytes once'
	@echo 'make bench              time this machine: with the map, without it, against its own peak'
	@echo 'make bench-peers        time peers (PyTorch, ggml) beside it; downloads about 3 GB once'
	@echo 'make bench-peers-cuda   the same on an NVIDIA GPU (FA4, FFPA, cuDNN, FlexAttention)'
	@echo 'make install PREFIX=…   headers, libraries, pkg-config, CMake package, command, man page'
	@echo 'make clean              remove build/ and out/'

all: $(BUILD)/release/build.ninja
	@cmake --build $(BUILD)/release -j $(JOBS)

$(BUILD)/release/build.ninja:
	@scripts/setup
	@cmake -S . -B $(BUILD)/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DTSKIP_TESTS=OFF \
		-DCMAKE_INSTALL_PREFIX=$(PREFIX) > $(BUILD)/configure.log

demo: all
	@mkdir -p out
	@$(BUILD)/release/examples/demo examples/data/smollm2-layer15-2455.safetensors out

check:
	@scripts/setup check
	@scripts/check

check-frameworks:
	@scripts/setup check
	@scripts/check-frameworks

bench: all
	@$(BUILD)/release/cli/tileskip bench

bench-peers: all
	@python3 bench/peers/run.py

bench-peers-cuda: all
	@python3 bench/peers/run_cuda.py

install: all
	@cmake -S . -B $(BUILD)/release -DCMAKE_INSTALL_PREFIX=$(PREFIX) > $(BUILD)/configure.log
	@cmake --install $(BUILD)/release --prefix $(PREFIX)

clean:
	@rm -rf $(BUILD) out
