# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
import base64
import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

import reference as r
import tileskip as t


def test_known_counts() -> None:
    tiles = t.TileMap.from_rules("causal,window=1024", 2455, tile=(32, 16))
    assert tiles.counts == (7832, 244, 3782)
    assert tiles.shape == (1, 77, 154) and tiles.tile == (32, 16)
    assert "7832 skip, 244 mixed, 3782 full" in repr(tiles)


def test_rules_and_scan_agree() -> None:
    seen = r.causal_window(500, 500, 120)
    a = t.TileMap.from_rules("causal,window=120", 500, tile=(24, 40))
    for mask in (seen, np.where(seen, 0, -np.inf).astype(np.float32), seen[None, None]):
        assert np.array_equal(a.numpy(), t.TileMap.from_mask(mask, tile=(24, 40)).numpy())
    assert a.numpy().shape == (1, 21, 13)
    for i in range(21):
        for j in range(13):
            cells = seen[24 * i : 24 * i + 24, 40 * j : 40 * j + 40]
            assert a.numpy()[0, i, j] == (2 if cells.all() else 1 if cells.any() else 0)


def test_picture() -> None:
    tiles = t.TileMap.from_rules("causal", 64, tile=(32, 32))
    picture = tiles.picture(width=2, height=2)
    assert picture.shape == (2, 2, 3)
    assert np.array_equal(picture[0, 0], picture[1, 1])  # the diagonal is MIXED
    assert not np.array_equal(picture[0, 1], picture[1, 0])
    held = io.BytesIO()
    tiles.save_png(held, width=20, height=10)
    assert Image.open(held).size == (20, 10)


def test_a_notebook_draws_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = t.TileMap.from_rules("causal", 64, tile=(16, 16))
    html = tiles._repr_html_()
    assert "&lt;tileskip.TileMap 1×4×4" in html and "37.5%" in html
    picture = base64.b64decode(re.search("base64,([^\"]+)", html).group(1))
    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    for at, colour in (((1, 1), "#f59628"), ((300, 1), "#e8eaed"), ((1, 300), "#2660ba")):
        assert "#%02x%02x%02x" % drawn.getpixel(at) == colour and colour in html
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "img" not in tiles._repr_html_() and "SKIP" in tiles._repr_html_()
    with pytest.raises(ImportError, match="pip install"):
        tiles.save_png(io.BytesIO())


def test_per_entry_planes() -> None:
    tiles = t.TileMap.from_rules(t.causal & t.klen([64, 32]), 64, batch=2, tile=(32, 32))
    assert tiles.shape == (2, 2, 2)
    assert tiles.numpy()[1, 1, 1] == 0
    with pytest.raises(ValueError, match="entries"):
        t.TileMap.from_rules(t.causal & t.klen([64, 32]), 64, batch=3)
