#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Times tileskip beside its peers on an NVIDIA GPU: FlashAttention-4, FFPA, cuDNN, torch's flash
attention and FlexAttention, and torch's path for mask tensors.

Everyone runs in turns on the same tensors, on the same stream, with the cache flushed before each run;
outputs are compared with a double-precision reference and with each other. "tileskip" makes the map in
each call; "map once" is handed one, and is what counts where the mask is a tensor. Prints one table and keeps
build/peers/results-cuda.json. A peer that cannot be imported is left out, with a line that says so:
--prepare installs the pinned packages of requirements-cuda.txt in a virtual environment under build/peers
(about 4 GB to download); without it the python that runs this is used, with whatever it has.
"""
import argparse
import json
import sys

from results import BUILD, install, installed, measure, pinned, print_table, rows_of

RESULTS = BUILD / "results-cuda.json"
REQUIREMENTS = "requirements-cuda.txt"
COLUMNS = {"FA4": ("fa4", "fa4 128x64", "fa4 128x80", "fa4 128x128"), "FFPA": ("ffpa",),
           "cuDNN": ("cudnn",), "torch": ("flash", "mem-eff"), "Flex": ("flex",),
           "torch + mask": ("cudnn + mask", "mem-eff + mask")}


def short(problem):
    """Eight images are a word too many."""
    return " ".join(w.partition("images=")[0] + "images=…" if "images=" in w else w
                    for w in problem.split())


def best_of(figures, names, choose=max):
    there = [figures[n] for n in names if n in figures]
    return choose(there) if there else None


def attention_row(r):
    figures = r["tflops"]
    number = lambda x, form="{:.0f}": "–" if x is None else form.format(x)
    peers = [best_of(figures, names) for names in COLUMNS.values()]
    best = max((p for p in peers if p), default=None)
    headline = "map once" if "mask=tensor" in r["problem"] else "tileskip"
    own, maps = figures[headline], r["map_seconds"]
    map_us = lambda names: number(best_of(maps, names, min) and 1e6 * best_of(maps, names, min))
    return [short(r["problem"]), f"{1e3 * r['seconds'][headline]:.3f}", number(figures["tileskip"]),
            number(figures.get("map once")), *map(number, peers),
            number(best and own / best, "{:.2f}"), f"{100 * own / r['gemm_tflops']:.0f} %",
            map_us(("tileskip",)), map_us(COLUMNS["FA4"]), "yes" if r["agree"] else "NO"]


def map_row(r):
    share = ""
    if "copy_tbs" in r:
        share = (f"{r['read_tbs']:.2f} TB/s read", f"{r['copy_tbs']:.2f} TB/s",
                 f"{100 * r['read_tbs'] / r['copy_tbs']:.0f} %")
    return [short(r["problem"]), f"{1e6 * r['seconds']['tileskip']:.1f}", *(share or "–––"),
            "yes" if r["agree"] else "NO"]


def report(whole, markdown):
    m = whole["machine"]
    attention = [r for r in whole["results"] if "tflops" in r]
    maps = [r for r in whole["results"] if "tflops" not in r]
    products = sorted(r["gemm_tflops"] for r in attention)
    versions = ", ".join(f"{n} {m[n]}" for n in ("fa4", "ffpa") if n in m)
    print(f"{m['description']}; tileskip {m['tileskip']}, torch {m['torch']}, cuDNN {m['cudnn']}"
          f"{', ' + versions if versions else ''}. bf16, batch 1; TFLOP/s on visible pairs, medians"
          + (f"; bf16 GEMM {products[len(products) // 2]:.0f}." if products else ".") + "\n")
    if attention:
        print_table(["problem", "ms", "tileskip", "map once", *COLUMNS, "× best", "of GEMM", "map µs",
                     "FA4's", "agree"], [attention_row(r) for r in attention], markdown, 1)
    if maps:
        print()
        print_table(["map alone", "µs", "", "copy", "of it", "agree"], [map_row(r) for r in maps],
                    markdown, 1)
    print()
    for name, why in m["missing"].items():
        print(f"{name} is left out: {why}")
    said = set()
    for r in attention:
        for name, why in r["failed"].items():
            if (name, why) not in said:
                print(f"{name} cannot run {short(r['problem'])}: {why}")
            said.add((name, why))


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    p.add_argument("--rows", type=rows_of, default=[], help="lines of rows-cuda.txt, e.g. 1-3,8")
    p.add_argument("--rounds", type=int, default=3, help="turns of each peer (default 3)")
    p.add_argument("--budget", type=float, default=0.15, help="seconds for each peer of a row")
    p.add_argument("--limit", type=float, default=3600, help="seconds after which no row is begun")
    p.add_argument("--flex", type=rows_of, default=[], help="FlexAttention, which compiles long, in"
                   " these lines only")
    p.add_argument("--device", default="cuda", help="cuda, or cpu to try the script out")
    p.add_argument("--shrink", type=int, default=0, help="at most so many tokens, to try it out")
    p.add_argument("--library", default="", help="libtileskip.so (default: build/release)")
    p.add_argument("--prepare", action="store_true", help="install the peers, time nothing")
    p.add_argument("--report", action="store_true", help="print what is kept, run nothing")
    p.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    a = p.parse_args()
    if a.report:
        return report(json.loads(RESULTS.read_text()), a.markdown)
    if a.prepare:
        install("venv-cuda", REQUIREMENTS, "torch, FA4 and FFPA")
        return None
    python = installed("venv-cuda", REQUIREMENTS) or sys.executable
    options = {"rows": a.rows, "rounds": a.rounds, "budget": a.budget, "limit": a.limit,
               "flex": a.flex, "device": a.device, "shrink": a.shrink, "library": a.library,
               "versions": {"fa4": pinned("flash-attn-4", REQUIREMENTS),
                            "ffpa": pinned("ffpa-attn", REQUIREMENTS)}}
    kept_at = BUILD / "tried-out.json" if a.shrink else RESULTS
    measure(python, "measure_cuda.py", options, kept_at, "rows-cuda.txt",
            lambda whole: report(whole, a.markdown))
    return None


if __name__ == "__main__":
    main()
