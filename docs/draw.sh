#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
#
# Draws the maps of docs/masks.md and README.md anew. Run it after `make all`.
set -euo pipefail
cd "$(dirname "$0")/.."
tileskip=${TILESKIP:-build/release/cli/tileskip}

# draw NAME RULES option…
draw() {
    local name=$1 rules=$2
    shift 2
    "$tileskip" map --rules "$rules" --png "docs/maps/$name.png" "$@" >/dev/null
}

small=(--q-len 512 --k-len 512 --tile 16x16)
mkdir -p docs/maps
draw causal causal "${small[@]}"
draw window causal,window=128 "${small[@]}"
draw symmetric symmetric=128 "${small[@]}"
draw chunk causal,chunk=128 "${small[@]}"
draw segments causal,segments=200+112+200 "${small[@]}"
draw padding causal,klen=400,kstart=80 "${small[@]}"
draw images causal,window=128,images=100:260+340:420 "${small[@]}"
draw spans causal,window=128,spans=100:260+340:420 "${small[@]}"
draw prefix causal,prefix=150 "${small[@]}"
draw sink causal,window=128,sink=40 "${small[@]}"
draw alibi causal,window=128,alibi=0.5 "${small[@]}"
draw chunked causal,window=256 --q-len 256 --k-len 768 --q-offset end --tile 16x16
draw cache causal,window=256 --q-len 128 --k-len 384 --q-offset 1024 --k-offset 768 --tile 16x16
draw gemma4 causal,window=1024,images=300:580+1200:1480 --q-len 2455 --k-len 2455 --tile 32x64
