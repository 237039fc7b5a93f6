# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The ctypes structures are those of the C headers, member by member."""

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tileskip import _library

ROOT = Path(__file__).resolve().parents[3]
NAMES = [
    "DeviceInfo", "DeviceDesc", "EncoderDesc", "MaskTensor", "MaskDesc", "Extent", "Tile",
    "TileMapDesc", "TileMapInfo", "TileCounts", "Strides", "AttentionDesc", "PlanInfo", "Slice",
    "AttentionTensors",
]


def c_name(name: str) -> str:
    return "tskip" + re.sub("([A-Z])", lambda m: "_" + m.group(1).lower(), name)


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
def test_structures_match_the_headers(tmp_path: Path) -> None:
    lines, expected = [], []
    for name in NAMES:
        structure = getattr(_library, name)
        lines.append(f'printf("{name} %zu\\n", sizeof({c_name(name)}));')
        expected.append(f"{name} {ctypes.sizeof(structure)}")
        for field, *_ in structure._fields_:
            lines.append(
                f'printf("{name}.{field} %zu\\n", offsetof({c_name(name)}, {field}));'
            )
            expected.append(f"{name}.{field} {getattr(structure, field).offset}")
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <tileskip/tileskip.h>\n"
        "int main(void) {\n" + "\n".join(lines) + "\nreturn 0; }\n"
    )
    program = tmp_path / "layout"
    subprocess.run(
        ["cc", "-std=c11", f"-I{ROOT}/include", str(source), "-o", str(program)], check=True
    )
    printed = subprocess.run([str(program)], check=True, capture_output=True, text=True,
                             env=dict(os.environ)).stdout.split("\n")
    assert printed[:-1] == expected


def test_every_prototype_exists_in_the_headers() -> None:
    text = "".join(p.read_text() for p in (ROOT / "include" / "tileskip").glob("*.h"))
    for name, _, _ in _library._FUNCTIONS:
        assert re.search(rf"\btskip_{name}\(", text), name
