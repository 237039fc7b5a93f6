# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Checks of what the library cannot see: numbers before they are cut to a C type, text before it
ends at a zero."""

from __future__ import annotations

import operator
from typing import Any, Optional, Tuple

U32_MAX = (1 << 32) - 1
I64_MAX = (1 << 63) - 1


def whole(value: Any, name: str, low: int = 0, high: int = I64_MAX) -> int:
    """A whole number in range. Raises ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or not low <= number <= high:
        raise ValueError(f"{name} is {value!r}, expected a whole number from {low} to {high}")
    return number


def tile_pair(tile: Optional[Tuple[int, int]]) -> Optional[Tuple[int, int]]:
    """(BQ, BK), or None as given. Raises ValueError."""
    if tile is None:
        return None
    try:
        bq, bk = tile
    except (TypeError, ValueError):
        raise ValueError(f"tile is {tile!r}, expected (BQ, BK)") from None
    return whole(bq, "tile's BQ", 1, U32_MAX), whole(bk, "tile's BK", 1, U32_MAX)


def text_bytes(text: str, name: str) -> bytes:
    """Text for C. Raises ValueError for a zero in it, where C would end."""
    if "\0" in text:
        raise ValueError(f"{name} is {text!r}, expected text without a zero character")
    return text.encode()
