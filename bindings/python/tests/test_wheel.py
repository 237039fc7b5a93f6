# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The wheel as a user gets it: one for every Python 3, nothing but NumPy beside it, no compiler."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import tileskip as t

PACKAGE = Path(__file__).resolve().parents[1]

PROGRAM = """
import importlib.util, sys
import numpy as np
import tileskip as t
for other in ("torch", "jax", "mlx", "cupy", "PIL", "ml_dtypes"):
    assert importlib.util.find_spec(other) is None, other
q, k, v = np.random.default_rng(0).standard_normal((3, 1, 2, 50, 16)).astype(np.float32)
out = t.attention(q, k, v, rules=t.causal & t.window(20))
p, x = np.arange(50)[:, None], np.arange(50)
scores = np.where((x <= p) & (p - x < 20), q.astype(float) @ k.swapaxes(2, 3) / 4, -np.inf)
weights = np.exp(scores - scores.max(-1, keepdims=True))
assert np.abs(out - weights @ v / weights.sum(-1, keepdims=True)).max() < 4e-6
tiles = t.TileMap.from_rules("causal", 50, tile=(16, 16))
assert "FULL" in tiles._repr_html_()
try:
    tiles.save_png("map.png")
except ImportError as error:
    assert "tileskip[png]" in str(error)
else:
    sys.exit("save_png worked without Pillow")
try:
    import tileskip.torch
except ImportError as error:
    assert "torch" in str(error)
print(t.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The one that scripts/check-python has built, else one made here."""
    given = os.environ.get("TILESKIP_WHEEL")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(PACKAGE)],
        check=True,
    )
    return next(folder.glob("*.whl"))


def test_what_is_in_it(wheel: Path) -> None:
    assert re.fullmatch(r"tileskip-[0-9.]+-py3-none-(?!any)\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as held:
        names = held.namelist()
        metadata = held.read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert [n for n in names if re.search(r"\.(so|dylib|dll)", n)] == ["tileskip/libtileskip.so"]
    outside = [n for n in names if not re.match(r"tileskip(-[^/]*\.dist-info)?/", n)]
    assert outside == [] and "tileskip/py.typed" in names
    required = re.findall(r"^Requires-Dist: (.*)$", metadata, re.M)
    assert [r for r in required if "extra ==" not in r] == ["numpy>=1.23"]


def test_it_runs_beside_numpy_alone(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check",
         f"numpy=={np.__version__}", str(wheel)],
        check=True,
    )
    done = subprocess.run(
        [str(python), "-c", PROGRAM],
        cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == t.__version__


def test_one_version_everywhere() -> None:
    assert version("tileskip") == t.__version__
