# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""test_mistakes.py TILESKIP TEST_METAL_ORDER DATA: mistakes put into the Metal kernels, and barriers left
out, are caught.

Each runs with the stand-in, which changes the text that it is handed or does not hear a barrier
(TSKIP_METAL_LIBRARY and TSKIP_METAL_CACHE are the caller's)."""

import os
import re
import subprocess
import sys
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[2] / "src" / "kernels" / "metal"
SCAN = "--problem=h2 q70 k133 d64 bf16 rules=causal mask=bf16:rules"
RULES = "--problem=h2 q70 k133 d64 f16 rules=causal"
ONE_HEAD = "--problem=h1 q70 k133 d64 f16 rules=causal"  # past its last row there is nothing

EDGE = r"metal stand-in: kernel attention_metal, group \(\d+, 0, 0\), thread \d+: "
# What, the run, the file, its text, the mistake, what must be said.
TEXTS = [
    ("a tile of 64 columns classified from the first 32", SCAN, "tile_map.metal",
     "verdict &= verdicts[i / steps * STEPS + index * steps + i % steps];",
     "verdict &= i % steps == 0 ? verdicts[i / steps * STEPS + index * steps] : NO_CELL;",
     r"verify: map: tile \(1, 0\) of batch entry 0, head 0 is 2, the mask's cells say 1"),
    ("a kernel whose tiles are not the map's", RULES, "metal_item.h",
     "#define BK TSKIP_C_BK", "#define BK (TSKIP_C_BK / 2)",
     r"verify: output is outside the bound: ratio \d{2,}"),
    ("rows of Q read past the bottom edge", RULES, "attention.metal",
     "        if (row < it.rows)\n            value = from[", "            value = from[",
     EDGE + r"reads 2 bytes at \d+ of q, which has 17920; line \d+: value = from\[row"),
    ("rows of K read past the bottom edge", RULES, "attention.metal",
     "tskip__min(it.present_end - column, BK)", "BK",
     EDGE + r"reads 16 bytes at \d+ of k, which has 34048"),
    ("rows of O written past the bottom edge", ONE_HEAD, "attention.metal",
     "if (row < it.rows && column < TSKIP_C_HEAD_DIM_V)", "if (column < TSKIP_C_HEAD_DIM_V)",
     EDGE + r"writes 2 bytes at \d+ of o, which has 8960; line \d+: \(\(device ushort \*\)to\)"),
    ("no barrier between S and its softmax", RULES, "attention.metal",
     "        threadgroup_barrier(mem_flags::mem_threadgroup);\n        softmax(",
     "        softmax(",
     EDGE + r"race: it reads threadgroup memory that SIMD group \d+ wrote, with no barrier between "
            r"the two; line \d+: x\[i\] = scores\[key\]"),
]
# One that is no mistake of the kernel's: what does not compile counts as missed.
BROKEN = ("(a text that does not compile)", RULES, "attention.metal", "float x[KEYS_A_LANE]",
          "float x[missing]", r"COMPILATION_FAILED|program_source|verify")

RACE = (r",.*: race: it reads device memory that an earlier dispatch wrote, with no barrier between "
        r"the two; line \d+: .*")
# What, the program, which barrier of an encoder is not heard, what must be said.
BARRIERS = [
    ("no barrier between fill and map", "order", 0, "kernel tile_map" + RACE + r"row\)\[i\]"),
    ("no barrier between map and order", "attend", 1, "kernel tile_order" + RACE + r"row\[j\]"),
    ("no barrier between order and attention", "attend", 2,
     "kernel attention_metal" + RACE + r"order\[number\]"),
]
ANOTHER_TILE = "TSKIP_INVALID_ARGUMENT: the tile map was built for tile.bk = 32, expected 64"


def run(command, **environment):
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True,
                          text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def check(what, expected, command, **environment):
    """Whether the run fails and says so; a text that does not compile says nothing."""
    status, said = run(command, **environment)
    compiled = "program_source:" not in said
    caught = status != 0 and compiled and re.search(expected, said)
    print(f"{'caught' if caught else 'MISSED'}: {what}")
    if caught:
        print("    " + caught.group(0).replace("\n", "\n    "))
    else:
        print(f"    status {status}, expected {expected}\n{said[-2000:]}")
    return bool(caught)


def main():
    tileskip, order, data = sys.argv[1:]
    programs = {"order": [order], "attend": [tileskip, "attend", "--device", "metal:0", "--input",
                                             data, "--rules", "causal"]}
    verify = [tileskip, "verify", "--device", "metal:0"]
    failed = 0
    for problem in (SCAN, RULES, ONE_HEAD):
        status, said = run([*verify, problem])
        failed += status != 0
        print(f"{'passes' if status == 0 else 'FAILS'} as it is: {problem}")
        print(said[-2000:] if status else "", end="")
    for what, problem, name, old, new, expected in [*TEXTS, BROKEN]:
        if old not in (KERNELS / name).read_text():
            print(f"MISSED: {what}: {name} no longer has the text\n{old}")
            failed += 1
            continue
        caught = check(what, expected, [*verify, problem], TSKIP_METAL_REPLACE=old,
                       TSKIP_METAL_BY=new)
        failed += caught == (what == BROKEN[0])
    for what, program, number, expected in BARRIERS:
        failed += not check(what, expected, programs[program], TSKIP_METAL_DEAF_TO_BARRIER=str(number))
    failed += not check("a map of another tile shape", ANOTHER_TILE, [order, "another-tile"])
    return failed


if __name__ == "__main__":
    sys.exit(main())
