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

# What, the run, the file, its text, the mistake, what must be said.
TEXTS = [
    ("a tile of 64 columns classified from the first 32", SCAN, "tile_map.metal",
     "verdict &= verdicts[i / steps * STEPS + index * steps + i % steps];",
     "verdict &= i % steps == 0 ? verdicts[i / steps * STEPS + index * steps] : NO_CELL;",
     r".*map.*"),
    ("a map of another tile shape", RULES, "metal_item.h",
     "#define BK TSKIP_C_BK", "#define BK (TSKIP_C_BK / 2)", r".*output is outside the bound.*"),
    ("rows of Q read past the bottom edge", RULES, "attention.metal",
     "        if (row < it.rows)\n            value = from[", "            value = from[",
     r"kernel attention_metal,.*reads 2 bytes at \d+ of q, which has \d+; line \d+: .*"),
    ("rows of K read past the bottom edge", RULES, "attention.metal",
     "tskip__min(it.present_end - column, BK)", "BK",
     r"race|reads \d+ bytes at \d+ of k, which has"),
    ("rows of O written past the bottom edge", RULES, "attention.metal",
     "if (row < it.rows && column < TSKIP_C_HEAD_DIM_V)", "if (column < TSKIP_C_HEAD_DIM_V)",
     r"writes \d+ bytes at \d+ of o, which has|race: it writes device memory"),
    ("no barrier between S and its softmax", RULES, "attention.metal",
     "        threadgroup_barrier(mem_flags::mem_threadgroup);\n        softmax(",
     "        softmax(", r"race: it reads threadgroup memory"),
]

RACE = ".*race: it reads device memory that an earlier dispatch wrote.*line \\d+: .*"
# What, the program, which barrier of an encoder is not heard, what must be said.
BARRIERS = [
    ("no barrier between fill and map", "order", 0, "kernel tile_map,.*race: it reads device memory"),
    ("no barrier between map and order", "attend", 1, "kernel tile_order," + RACE),
    ("no barrier between order and attention", "attend", 2, "kernel attention_metal," + RACE),
]


def run(command, **environment):
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True,
                          text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def check(what, expected, command, **environment):
    """Whether the run fails and says so."""
    status, said = run(command, **environment)
    caught = status != 0 and re.search(expected, said)
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
    for problem in (SCAN, RULES):
        status, said = run([*verify, problem])
        failed += status != 0
        print(f"{'passes' if status == 0 else 'FAILS'} as it is: {problem}")
        print(said[-2000:] if status else "", end="")
    for what, problem, name, old, new, expected in TEXTS:
        if old not in (KERNELS / name).read_text():
            print(f"MISSED: {what}: {name} no longer has the text\n{old}")
            failed += 1
            continue
        failed += not check(what, expected, [*verify, problem], TSKIP_METAL_REPLACE=old,
                            TSKIP_METAL_BY=new)
    for what, program, number, expected in BARRIERS:
        failed += not check(what, expected, programs[program], TSKIP_METAL_DEAF_TO_BARRIER=str(number))
    return failed


if __name__ == "__main__":
    sys.exit(main())
