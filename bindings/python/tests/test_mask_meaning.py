# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""A composed mask means what its expression says, cell by cell, or is refused."""

from typing import Dict, List, Tuple

import numpy as np
from hypothesis import given, settings, strategies as st

import tileskip as t

LENGTH = 12
P = np.arange(LENGTH)[:, None]
X = np.arange(LENGTH)[None, :]


def same_span(spans: List[Tuple[int, int]]) -> np.ndarray:
    seen = np.zeros((LENGTH, LENGTH), bool)
    for start, end in spans:
        seen[start:end, start:end] = True
    return seen


RULES: Dict[str, Tuple[t.Mask, np.ndarray]] = {
    "causal": (t.causal, X <= P),
    "window": (t.window(3), P - X < 3),
    "symmetric": (t.symmetric(5), abs(P - X) <= 2),
    "chunk": (t.chunk(5), X >= P // 5 * 5),
    "images": (t.images([(1, 4), (6, 11)]), same_span([(1, 4), (6, 11)])),
    "spans": (t.spans([(2, 9)]), same_span([(2, 9)])),
    "prefix": (t.prefix(4), np.broadcast_to(X < 4, (LENGTH, LENGTH))),
    "sink": (t.sink(2), np.broadcast_to(X < 2, (LENGTH, LENGTH))),
    "segments": (t.segments([7, 5]), (P < 7) == (X < 7)),
    "klen": (t.klen(10), np.broadcast_to(X < 10, (LENGTH, LENGTH))),
    "kstart": (t.kstart(1), np.broadcast_to(X >= 1, (LENGTH, LENGTH))),
}

Both = Tuple[t.Mask, np.ndarray]


def composed(one: st.SearchStrategy[Both]) -> st.SearchStrategy[Both]:
    def join(both: Tuple[Both, Both, bool]) -> Both:
        (a, x), (b, y), conjunction = both
        return (a & b, x & y) if conjunction else (a | b, x | y)

    return st.tuples(one, one, st.booleans()).map(join)


@settings(max_examples=1500, deadline=None)
@given(st.recursive(st.sampled_from(sorted(RULES)).map(RULES.__getitem__), composed, max_leaves=6))
def test_cells(both: Both) -> None:
    mask, expected = both
    try:
        text = str(mask)
    except ValueError:
        return
    tiles = t.TileMap.from_rules(text, LENGTH, tile=(1, 1)).numpy()[0]
    assert np.array_equal(tiles > 0, expected), text


