# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Mask rules put together with ``&`` and ``|``, as the grammar of the C library composes them.

    (causal | images([(100, 380)])) & window(1024)      Gemma 4, sliding layers
    (causal & window(512)) | spans([(100, 380)])        Gemma 3, sliding layers

The library knows one composition,

    (((causal | images | prefix) & ((window & symmetric & chunk) | sink)) | spans)
        & segments & klen & kstart

and an expression of any other form is refused with a ValueError when its text is asked for.
"""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Sequence, Tuple, Union

from ._library import check, lib

Span = Tuple[int, int]
_ORDER = (
    "causal window symmetric chunk prefix sink images spans segments klen kstart alibi".split()
)
_SEERS = {"causal", "images", "prefix"}
_LIMITS = {"window", "symmetric", "chunk"}
_OUTER = {"segments", "klen", "kstart", "alibi"}


class Mask:
    """A mask rule or a composition of rules. ``str(mask)`` is the grammar's text.

    Thread-safety: immutable.
    """

    __slots__ = ("_kind", "_value", "_parts")

    def __init__(self, kind: str, value: str = "", parts: Tuple["Mask", ...] = ()) -> None:
        self._kind = kind
        self._value = value
        self._parts = parts

    def __and__(self, other: "Mask") -> "Mask":
        return _join("&", self, other)

    def __or__(self, other: "Mask") -> "Mask":
        return _join("|", self, other)

    def __str__(self) -> str:
        """The rules as text, checked by the library. Raises ValueError."""
        found: Dict[str, str] = {}
        _take_outer(self, found)
        text = ",".join(found[name] for name in _ORDER if name in found)
        out = c.c_void_p()
        check(lib.rules_parse(text.encode(), c.byref(out)))
        lib.rules_destroy(c.byref(out))
        return text

    def __repr__(self) -> str:
        return f"<tileskip.Mask {self._expression()}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def _expression(self) -> str:
        if not self._parts:
            return self._value
        inner = [p._expression() for p in self._parts]
        return "(" + f" {self._kind} ".join(inner) + ")"


def _join(kind: str, a: Mask, b: Mask) -> Mask:
    if not isinstance(a, Mask) or not isinstance(b, Mask):
        return NotImplemented
    parts: List[Mask] = []
    for side in (a, b):
        parts += side._parts if side._kind == kind else (side,)
    return Mask(kind, parts=tuple(parts))


def _refuse(mask: Mask, expected: str) -> ValueError:
    return ValueError(f"mask: {mask._expression()} cannot be composed, expected {expected}")


def _put(mask: Mask, found: Dict[str, str]) -> None:
    if mask._kind in found:
        raise _refuse(mask, f"{mask._kind} once at most")
    found[mask._kind] = mask._value


def _parts(mask: Mask, kind: str) -> Tuple[Mask, ...]:
    return mask._parts if mask._kind == kind else (mask,)


def _take_outer(mask: Mask, found: Dict[str, str]) -> None:
    rest: List[Mask] = []
    for part in _parts(mask, "&"):
        if part._kind in _OUTER:
            _put(part, found)
        else:
            rest.append(part)
    if len(rest) == 1:
        _take_spans(rest[0], found)
    else:
        for part in rest:
            _take_group(part, found)


def _take_spans(mask: Mask, found: Dict[str, str]) -> None:
    rest: List[Mask] = []
    for part in _parts(mask, "|"):
        if part._kind == "spans":
            _put(part, found)
        else:
            rest.append(part)
    if mask._kind == "|" and len(rest) != len(mask._parts):
        if len(rest) == 1:
            rest = list(_parts(rest[0], "&"))
        else:
            rest = [Mask("|", parts=tuple(rest))] if rest else []
    else:
        rest = [mask] if mask._kind != "spans" else []
    for part in rest:
        _take_group(part, found)


def _take_group(mask: Mask, found: Dict[str, str]) -> None:
    """One factor: what sees (causal | images | prefix) or what limits (window & … | sink)."""
    kinds = {part._kind for part in _parts(mask, "|")}
    if kinds <= _SEERS:
        if kinds & {"images", "prefix"} and "causal" not in kinds:
            raise _refuse(mask, "images and prefix beside causal: causal | images([…])")
        for part in _parts(mask, "|"):
            _put(part, found)
    elif mask._kind in _LIMITS:
        _put(mask, found)
    elif mask._kind == "|" and "sink" in kinds:
        for part in mask._parts:
            for limit in _parts(part, "&"):
                if limit._kind not in _LIMITS | {"sink"}:
                    raise _refuse(mask, "window, symmetric or chunk beside sink: window(W) | sink(N)")
                _put(limit, found)
    elif mask._kind == "&":
        for part in mask._parts:
            _take_group(part, found)
    else:
        raise _refuse(
            mask,
            "(((causal | images | prefix) & ((window & symmetric & chunk) | sink)) | spans)"
            " & segments & klen & kstart",
        )


def _rule(name: str, value: str) -> Mask:
    return Mask(name, f"{name}={value}")


def _entries(values: Any, one: Any) -> str:
    """`values` for all batch entries, or a sequence with one item for each."""
    return "/".join(one(v) for v in values)


def _span_text(spans: Sequence[Span]) -> str:
    return "+".join(f"{int(start)}:{int(end)}" for start, end in spans)


def _span_rule(name: str, spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    listed: List[Any] = list(spans)
    if listed and not isinstance(listed[0][0], (int,)) and hasattr(listed[0][0], "__len__"):
        return _rule(name, _entries(listed, _span_text))
    return _rule(name, _span_text(listed))


def _length_rule(name: str, value: Union[int, Sequence[int]]) -> Mask:
    if isinstance(value, int):
        return _rule(name, str(value))
    return _rule(name, _entries(value, lambda v: str(int(v))))


causal = Mask("causal", "causal")
"""A key is seen by the queries at its position or after it."""


def window(size: int) -> Mask:
    """The `size` newest keys, the query's own included."""
    return _rule("window", str(size))


def symmetric(size: int) -> Mask:
    """Keys at most ``size // 2`` away, on both sides."""
    return _rule("symmetric", str(size))


def chunk(size: int) -> Mask:
    """Keys of the query's own chunk of `size` positions and after."""
    return _rule("chunk", str(size))


def prefix(length: int) -> Mask:
    """The first `length` keys are seen by all (prefix-LM); beside ``causal``."""
    return _rule("prefix", str(length))


def sink(length: int) -> Mask:
    """The first `length` keys stay in sight whatever window, symmetric and chunk say."""
    return _rule("sink", str(length))


def images(spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    """Spans ``(start, end)`` seen in both directions, inside the window; a list of lists gives one
    list a batch entry. Beside ``causal``."""
    return _span_rule("images", spans)


def spans(spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    """The same, whatever window, symmetric and chunk say."""
    return _span_rule("spans", spans)


def segments(lengths: Union[Sequence[int], Sequence[Sequence[int]]]) -> Mask:
    """Packed sequences: query and key lie in the same one. A list of lists: one a batch entry."""
    listed: List[Any] = list(lengths)

    def one(values: Sequence[int]) -> str:
        return "+".join(str(int(v)) for v in values)

    if listed and hasattr(listed[0], "__len__"):
        return _rule("segments", _entries(listed, one))
    return _rule("segments", one(listed))


def klen(length: Union[int, Sequence[int]]) -> Mask:
    """Columns from `length` on are absent (right padding); one number, or one a batch entry."""
    return _length_rule("klen", length)


def kstart(start: Union[int, Sequence[int]]) -> Mask:
    """Columns before `start` are absent (left padding); one number, or one a batch entry."""
    return _length_rule("kstart", start)


def alibi(slopes: Sequence[float] = ()) -> Mask:
    """Adds ``-slope[head] · |distance|`` to visible scores; no slopes: those of the ALiBi paper."""
    if not slopes:
        return Mask("alibi", "alibi")
    return _rule("alibi", "/".join(repr(float(s)) for s in slopes))
