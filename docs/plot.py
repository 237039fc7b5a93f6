#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Draws the tables of peers in docs/performance*.md as bars (needs matplotlib).

A picture is made from the figures that the page shows, so that the two agree: run it after a table
has changed. A table is one whose header has the columns "problem" and "tileskip"; every number
right of "tileskip" up to the column "× best" is a peer's.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parent
OURS, COLORS = "#2660ba", ["#f59628", "#5a9e6f", "#b04a5a", "#8a6fb8", "#7a7a82", "#c9a227"]
NOT_PEERS = {"+ scan", "map once"}


@dataclass
class Row:
    problem: str
    kind: str
    ours: float
    peers: dict[str, float]
    ratio: str  # to the best peer, from the unrounded figures


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def read(page: Path) -> list[Row]:
    rows: list[Row] = []
    header: list[str] = []
    for line in page.read_text().splitlines():
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells(line)
        elif {"problem", "tileskip"} <= set(header) and not line.startswith("|-"):
            values = dict(zip(header, cells(line), strict=True))
            first, last = header.index("tileskip"), header.index("× best")
            names = [name for name in header[first + 1 : last] if name not in NOT_PEERS]
            peers = {name: number(values[name]) for name in names}
            ours = number(values["tileskip"])
            known = {name: value for name, value in peers.items() if value is not None}
            if ours is not None and known:
                problem = values["problem"].replace("`", "")
                rows.append(Row(problem, values.get("type", "bf16"), ours, known, values["× best"]))
    return rows


def label(problem: str) -> str:
    """"h8/4 q2048 k2048 d64 rules=causal" in two lines."""
    sizes, _, rest = problem.partition(" rules=")
    return f"{sizes}\n{rest}" if rest else sizes


def draw_panel(axes: plt.Axes, rows: list[Row], kind: str, unit: str) -> None:
    names = sorted({name for row in rows for name in row.peers})
    shown = [row for row in rows if row.kind == kind]
    for at, row in enumerate(shown):
        axes.barh(at, row.ours, height=0.62, color=OURS, label="tileskip" if at == 0 else None)
        right = max(row.ours, *row.peers.values()) if row.peers else row.ours
        axes.annotate(f"{row.ours:.0f}   {row.ratio} ×", (right, at), (7, 0), va="center",
                      textcoords="offset points", fontsize=8)
    for name, color in zip(names, COLORS):
        points = [(row.peers[name], at) for at, row in enumerate(shown) if name in row.peers]
        if points:
            axes.scatter(*zip(*points), s=34, color=color, edgecolor="white", linewidth=0.7,
                         label=name, zorder=3)
    axes.set_yticks(range(len(shown)), [label(row.problem) for row in shown], fontsize=7.5)
    axes.invert_yaxis()
    axes.set_title(kind, loc="left", fontsize=10)
    axes.set_xlabel(f"{unit} on visible pairs; the bar is tileskip, × the best of the dots",
                    fontsize=8)
    axes.margins(x=0.22, y=0.01)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e0e0e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, frameon=False, loc="upper center", ncols=4,
                bbox_to_anchor=(0.5, -0.07))


def draw(page: str, unit: str, picture: str) -> None:
    rows = read(DOCS / page) if (DOCS / page).exists() else []
    kinds = list(dict.fromkeys(row.kind for row in rows))
    if not kinds:
        return
    tallest = max(sum(row.kind == kind for row in rows) for kind in kinds)
    figure, panels = plt.subplots(1, len(kinds), squeeze=False, layout="constrained",
                                  figsize=(7.2 * len(kinds), 1.4 + 0.42 * tallest))
    for axes, kind in zip(panels[0], kinds):
        draw_panel(axes, rows, kind, unit)
    figure.savefig(DOCS / "plots" / picture, dpi=100, metadata={"Software": None})
    plt.close(figure)
    print(f"docs/plots/{picture}: {len(rows)} rows")


if __name__ == "__main__":
    (DOCS / "plots").mkdir(exist_ok=True)
    draw("performance.md", "GFLOP/s", "peers-cpu.png")
    draw("performance-amx.md", "GFLOP/s", "peers-amx.png")
    draw("performance-cuda.md", "TFLOP/s", "peers-cuda.png")
