# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
import re
from typing import Tuple

import numpy as np
import pytest

import tileskip as t

COMPOSED = [
    (t.causal, "causal"),
    (t.causal & t.window(8), "causal,window=8"),
    (t.window(8) & t.causal, "causal,window=8"),
    ((t.causal | t.images([(2, 5)])) & t.window(8), "causal,window=8,images=2:5"),
    ((t.causal & t.window(8)) | t.spans([(2, 5), (7, 9)]), "causal,window=8,spans=2:5+7:9"),
    (t.causal & (t.window(8) | t.sink(4)), "causal,window=8,sink=4"),
    ((t.causal | t.prefix(6)) & t.klen(20), "causal,prefix=6,klen=20"),
    (t.causal & t.klen([20, 30]) & t.kstart([0, 3]), "causal,klen=20/30,kstart=0/3"),
    (t.causal & t.segments([3, 4]), "causal,segments=3+4"),
    (t.segments([[3, 4], [7]]), "segments=3+4/7"),
    (t.causal & t.symmetric(6) & t.chunk(4), "causal,symmetric=6,chunk=4"),
    (t.causal | t.images([[(1, 3)], [(2, 4)]]), "causal,images=1:3/2:4"),
    (t.causal & t.alibi([0.5, 0.25]), "causal,alibi=0.5/0.25"),
    (t.causal & t.klen(np.int64(9)) & t.kstart(np.array([0, 3])), "causal,klen=9,kstart=0/3"),
    (t.causal | t.images(np.array([[1, 3], [5, 6]])), "causal,images=1:3+5:6"),
    (t.causal | t.images([[], [(2, 4)]]), "causal,images=0:1/2:4"),
    (t.causal & ((t.window(8) & t.chunk(4)) | t.sink(4)), "causal,window=8,chunk=4,sink=4"),
    (((t.causal & t.window(4)) | t.spans([(1, 2)])) & t.segments([9]),
     "causal,window=4,spans=1:2,segments=9"),
]

REFUSED = [
    (t.window(8) | t.causal, "cannot be composed"),
    (t.images([(1, 2)]) & t.window(4), "beside causal"),
    ((t.causal & t.window(4)) | t.images([(1, 2)]), "cannot be composed"),
    (t.causal & t.causal, "once at most"),
    (t.window(0), "window"),
    (t.spans([(1, 2)]), "spans"),
    (t.causal | t.segments([4]), "cannot be composed"),
    (t.causal & (t.window(8) | t.sink(4)) & t.chunk(4), "cannot be composed"),
    (t.causal & (t.window(8) | t.chunk(4) | t.sink(4)), "all limits beside sink"),
    (t.causal & t.sink(4), "all limits beside sink"),
]


@pytest.mark.parametrize("mask,text", COMPOSED, ids=[text for _, text in COMPOSED])
def test_composition(mask: t.Mask, text: str) -> None:
    assert str(mask) == text
    assert text in {str(m) for m in {mask}}


@pytest.mark.parametrize("mask,word", REFUSED, ids=[repr(m) for m, _ in REFUSED])
def test_refused(mask: t.Mask, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        str(mask)


@pytest.mark.parametrize("span", [(5, 2), (3, 3)], ids=str)
def test_spans_must_run_forward(span: Tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"images has .*, expected start < end"):
        t.images([span])


def test_operands_must_be_masks() -> None:
    with pytest.raises(TypeError):
        t.causal & 3  # type: ignore[operator]


def test_equal_masks_are_equal() -> None:
    assert t.causal & t.window(3) == t.window(3) & t.causal
    assert t.causal != t.causal & t.window(3)
    assert t.causal != "causal"


@pytest.mark.parametrize(
    "rule,words",
    [
        (lambda: t.window(3.5), "window is 3.5, expected a whole number"),
        (lambda: t.window(True), "window is True"),
        (lambda: t.images([]), "images is [], expected a list of (start, end)"),
        (lambda: t.images([(1, 2, 3)]), "images has (1, 2, 3), expected (start, end)"),
        (lambda: t.spans(7), "spans is 7"),
        (lambda: t.segments([]), "segments is []"),
        (lambda: t.klen([]), "klen is []"),
        (lambda: t.klen(None), "klen is None"),
    ],
)
def test_wrong_values_are_named(rule, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        rule()
