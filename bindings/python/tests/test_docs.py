# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What docs/python.md shows runs, and fails in the words that it shows."""

import re
from pathlib import Path
from typing import Any, Dict

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "python.md").read_text()


def blocks(kind: str):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


def test_the_page() -> None:
    names: Dict[str, Any] = {}
    ran = 0
    for block in blocks("python"):
        if "torch" not in block and "transformers" not in block:
            exec(block, names)
            ran += 1
    assert ran == 3
    shown = re.findall(r">>> (.*)\nValueError: (.*)\n", "".join(blocks("pycon")))
    assert len(shown) == 2
    for call, words in shown:
        with pytest.raises(ValueError) as caught:
            eval(call, names)
        assert str(caught.value) == words
