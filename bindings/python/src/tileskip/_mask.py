# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Mask rules put together with ``&`` and ``|``, as the grammar of the C library composes them.

    (causal | images([(100, 380)])) & window(1024)      Gemma 4, sliding layers
    (causal & window(512)) | spans([(100, 380)])        Gemma 3, sliding layers

The library knows one composition,

    (((causal | images | prefix) & ((window & symmetric & chunk) | sink)) | spans)
        & segments & klen & kstart

in which any rule may be missing; an expression of any other form is refused with a ValueError when
its text is asked for.
"""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Sequence, Tuple, Union, cast

from ._checks import whole
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


_FORM = (
    "(((causal | images | prefix) & ((window & symmetric & chunk) | sink)) | spans)"
    " & segments & klen & kstart"
)


def _refuse(mask: Mask, expected: str = _FORM) -> ValueError:
    return ValueError(f"mask: {mask._expression()} cannot be composed, expected {expected}")


def _parts(mask: Mask, kind: str) -> Tuple[Mask, ...]:
    return mask._parts if mask._kind == kind else (mask,)


def _put(mask: Mask, found: Dict[str, str]) -> None:
    if mask._kind in found:
        raise _refuse(mask, f"{mask._kind} once at most")
    found[mask._kind] = mask._value


def _take_outer(mask: Mask, found: Dict[str, str]) -> None:
    """… & segments & klen & kstart."""
    rest: List[Mask] = []
    for part in _parts(mask, "&"):
        if part._kind in _OUTER:
            _put(part, found)
        else:
            rest.append(part)
    if len(rest) == 1:
        rest = _take_spans(rest[0], found)
    for part in rest:
        _take_factor(part, found)


def _take_spans(mask: Mask, found: Dict[str, str]) -> List[Mask]:
    """… | spans; returns the factors of what stands beside them."""
    rest: List[Mask] = []
    for part in _parts(mask, "|"):
        if part._kind == "spans":
            _put(part, found)
        else:
            rest.append(part)
    if len(rest) < 2:
        return list(_parts(rest[0], "&")) if rest else []
    return [Mask("|", parts=tuple(rest))]


def _take_factor(mask: Mask, found: Dict[str, str]) -> None:
    """What sees (causal | images | prefix) or what limits (window & … | sink)."""
    alternatives = _parts(mask, "|")
    kinds = {part._kind for part in alternatives}
    if kinds <= _SEERS:
        if "causal" not in kinds:
            raise _refuse(mask, "images and prefix beside causal: causal | images([…])")
        for part in alternatives:
            _put(part, found)
    elif mask._kind in _LIMITS and "sink" not in found:
        _put(mask, found)
    elif "sink" in kinds:
        _take_sink(mask, found)
    else:
        raise _refuse(mask)


def _take_sink(mask: Mask, found: Dict[str, str]) -> None:
    """(window & symmetric & chunk) | sink, which must hold all the limits there are."""
    limits: List[Mask] = []
    others = [part for part in _parts(mask, "|") if part._kind != "sink"]
    if len(others) == 1:
        limits = list(_parts(others[0], "&"))
    if not limits or any(limit._kind not in _LIMITS for limit in limits) or _LIMITS & set(found):
        raise _refuse(mask, "all limits beside sink: (window & symmetric & chunk) | sink")
    for part in _parts(mask, "|"):
        if part._kind == "sink":
            _put(part, found)
    for limit in limits:
        _put(limit, found)


def _rule(name: str, value: str) -> Mask:
    return Mask(name, f"{name}={value}")


def _number_rule(name: str, value: int) -> Mask:
    return _rule(name, str(whole(value, name)))


def _listed(values: Any, name: str, expected: str) -> List[Any]:
    try:
        listed = list(values)
    except TypeError:
        listed = []
    if not listed:
        raise ValueError(f"{name} is {values!r}, expected {expected}")
    return listed


def _span_text(name: str, spans: Any) -> str:
    """Spans of one batch entry. One without any gets a span of one token, which adds nothing."""
    pairs = []
    for span in spans:
        try:
            start, end = span
        except (TypeError, ValueError):
            raise ValueError(f"{name} has {span!r}, expected (start, end)") from None
        if whole(start, name) >= whole(end, name):
            raise ValueError(f"{name} has {span!r}, expected start < end")
        pairs.append(f"{whole(start, name)}:{whole(end, name)}")
    return "+".join(pairs) or "0:1"


def _span_rule(name: str, spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    listed = _listed(spans, name, "a list of (start, end), or one such list a batch entry")
    per_entry = any(len(s) == 0 or hasattr(s[0], "__len__") for s in listed if _sized(s))
    if not per_entry:
        return _rule(name, _span_text(name, listed))
    return _rule(name, "/".join(_span_text(name, entry) for entry in listed))


def _sized(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__getitem__")


def _length_rule(name: str, value: Union[int, Sequence[int]]) -> Mask:
    if not _sized(value):
        return _number_rule(name, cast(int, value))
    listed = _listed(value, name, "a number, or one a batch entry")
    return _rule(name, "/".join(str(whole(v, name)) for v in listed))


causal = Mask("causal", "causal")
"""A key is seen by the queries at its position or after it."""


def window(size: int) -> Mask:
    """The `size` newest keys, the query's own included."""
    return _number_rule("window", size)


def symmetric(size: int) -> Mask:
    """Keys at most ``size // 2`` away, on both sides."""
    return _number_rule("symmetric", size)


def chunk(size: int) -> Mask:
    """Keys of the query's own chunk of `size` positions and after."""
    return _number_rule("chunk", size)


def prefix(length: int) -> Mask:
    """The first `length` keys are seen by all (prefix-LM); beside ``causal``."""
    return _number_rule("prefix", length)


def sink(length: int) -> Mask:
    """The first `length` keys stay in sight whatever window, symmetric and chunk say."""
    return _number_rule("sink", length)


def images(spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    """Spans ``(start, end)`` seen in both directions, inside the window; a list of lists gives one
    list a batch entry, which may be empty. Beside ``causal``."""
    return _span_rule("images", spans)


def spans(spans: Union[Sequence[Span], Sequence[Sequence[Span]]]) -> Mask:
    """The same, whatever window, symmetric and chunk say."""
    return _span_rule("spans", spans)


def segments(lengths: Union[Sequence[int], Sequence[Sequence[int]]]) -> Mask:
    """Packed sequences: query and key lie in the same one. A list of lists: one a batch entry."""
    listed = _listed(lengths, "segments", "a list of lengths, or one such list a batch entry")

    def one(values: Any) -> str:
        return "+".join(str(whole(v, "segments")) for v in values)

    return _rule("segments", "/".join(map(one, listed)) if _sized(listed[0]) else one(listed))


def klen(length: Union[int, Sequence[int]]) -> Mask:
    """Columns from `length` on are absent (right padding); one number, or one a batch entry."""
    return _length_rule("klen", length)


def kstart(start: Union[int, Sequence[int]]) -> Mask:
    """Columns before `start` are absent (left padding); one number, or one a batch entry."""
    return _length_rule("kstart", start)


def alibi(slopes: Sequence[float] = ()) -> Mask:
    """Adds ``-slope[head] · |distance|`` to visible scores; no slopes: those of the ALiBi paper."""
    if len(slopes) == 0:
        return Mask("alibi", "alibi")
    return _rule("alibi", "/".join(repr(float(s)) for s in slopes))
