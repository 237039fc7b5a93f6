# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The notebooks of examples/python run, and draw."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "python"


def test_tour() -> None:
    tour = nbformat.read(FOLDER / "tour.ipynb", as_version=4)
    for cell in tour.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(tour, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    shown = [output for cell in tour.cells for output in cell.get("outputs", [])]
    maps = [o.data["text/html"] for o in shown if "text/html" in o.get("data", {})]
    assert len(maps) == 3 and all("data:image/png" in text for text in maps)
    printed = "".join(o.get("text", "") for o in shown)
    for words in ("cannot be composed", "76.1% skipped", "identical", "times as fast"):
        assert words in printed
