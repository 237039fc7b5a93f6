# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Mask functions of Hugging Face transformers as mask rules.

transformers describes a mask by a function of (batch, head, query position, key position), put
together from a few functions of its ``masking_utils``. Each of those is known here by its name and
by what its closure holds; nothing is evaluated on a query × key plane.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

FAR = 1 << 62  # a distance that limits nothing


class Unknown(Exception):
    """A mask function that rules cannot say; the text tells which and why."""


class Form(NamedTuple):
    """What a mask function lets query position p see of key position x:

    (((p - x >= low OR images) AND p - x <= high AND chunk) OR spans) AND segments AND keys

    Tensors hold one row for all batch entries, or one for each.
    """

    low: int = -FAR
    high: int = FAR
    chunk: Optional[Tuple[int, torch.Tensor]] = None  # length, where an entry's first chunk begins
    images: Optional[torch.Tensor] = None  # [B, positions] block ids, negative for none
    spans: Optional[torch.Tensor] = None  # the same
    segments: Tuple[torch.Tensor, ...] = ()  # [B, positions] ids: equal ones see each other
    keys: Tuple[torch.Tensor, ...] = ()  # [B, positions] True where there is a key
    positions: Tuple[torch.Tensor, ...] = ()  # [B, positions] that low and high were said of

    @property
    def blocks(self) -> bool:
        return self.images is not None or self.spans is not None

    @property
    def limits(self) -> bool:
        """Whether a distance or a chunk hides anything."""
        return self.low > -FAR or self.high < FAR or self.chunk is not None

    @property
    def outer(self) -> bool:
        """Whether something holds of the whole form."""
        return bool(self.segments or self.keys)


class Plane(NamedTuple):
    """The lengths and offsets that a mask is asked for."""

    batch: int
    q_len: int
    k_len: int
    q_offset: int
    k_offset: int

    @property
    def end(self) -> int:
        """The position after the last key."""
        return self.k_offset + self.k_len


_EVERYTHING = Form()
_CAUSAL = Form(low=0)


def _and(f: Form, g: Form) -> Form:
    if g.blocks:
        f, g = g, f
    if g.blocks:
        raise Unknown("it intersects two kinds of blocks")
    if f.chunk is not None and g.chunk is not None:
        raise Unknown("it intersects two kinds of chunks")
    images, spans = f.images, f.spans
    if f.blocks and g.limits:
        if g.low > -FAR or (spans is not None and (f.high < FAR or f.chunk or images is not None)):
            raise Unknown("it limits blocks in a way that no rule says")
        images, spans = (images, None) if spans is None else (spans, None)
    return Form(
        max(f.low, g.low),
        min(f.high, g.high),
        f.chunk or g.chunk,
        images,
        spans,
        f.segments + g.segments,
        f.keys + g.keys,
        f.positions + g.positions,
    )


def _or(f: Form, g: Form) -> Form:
    for one in (f, g):
        if not one.limits and not one.outer:
            return _EVERYTHING
    if f.outer or g.outer:
        raise Unknown("it joins masks of which one has segments or absent keys")
    if f.low > f.high:
        f, g = g, f
    if g.low > g.high:  # blocks and nothing else
        if f.blocks:
            raise Unknown("it joins two kinds of blocks")
        return f._replace(spans=g.spans)
    if f.blocks or g.blocks or f.chunk or g.chunk or f.positions or g.positions:
        raise Unknown("it joins what no rule joins")
    if max(f.low, g.low) > min(f.high, g.high) + 1:
        raise Unknown("it joins distances with a gap between")
    return Form(min(f.low, g.low), max(f.high, g.high))


def _remap(f: Form, positions: torch.Tensor) -> Form:
    """`f` of positions that begin anew with each packed sequence."""
    if f.blocks or f.outer or f.positions:
        raise Unknown("it renumbers the positions of blocks, segments or absent keys")
    segments: Tuple[torch.Tensor, ...] = ()
    if f.chunk is not None:
        size, first = f.chunk
        shifted = positions - first.reshape(-1, 1).to(positions.device)
        segments = (torch.div(shifted, size, rounding_mode="floor"),)
    return Form(f.low, f.high, segments=segments, positions=(positions,))


def _joined(join: Callable[[Form, Form], Form], functions: Sequence[Any]) -> Form:
    forms = [form_of(function) for function in functions]
    result = forms[0]
    for form in forms[1:]:
        result = join(result, form)
    return result


def _two_sided(left: int, right: int) -> Form:
    """Fewer than `left` positions back, the query's own included; fewer than `right` forward."""
    return Form(low=-(right - 1) if right > 1 else 0, high=left - 1)


def _two_sided_of(held: Dict[str, Any]) -> Form:
    window = held["sliding_window"]
    if "is_causal" not in held:
        return _two_sided(*window)
    return _two_sided(window, 0) if held["is_causal"] else _two_sided((window + 1) // 2, window // 2 + 1)


# What a function is by its qualified name, given what its closure holds.
_CORE: Dict[str, Callable[[Dict[str, Any]], Form]] = {
    "and_masks.and_mask": lambda held: _joined(_and, held["mask_functions"]),
    "or_masks.or_mask": lambda held: _joined(_or, held["mask_functions"]),
    "causal_mask_function": lambda held: _CAUSAL,
    "bidirectional_mask_function": lambda held: _EVERYTHING,
    "sliding_window_overlay.inner_mask": lambda held: Form(high=held["sliding_window"] - 1),
    "sliding_window_bidirectional_overlay.inner_mask": lambda held: Form(
        low=-held["sliding_window"], high=held["sliding_window"]
    ),
    "chunked_overlay.inner_mask": lambda held: Form(
        chunk=(held["chunk_size"], held["left_padding"])
    ),
    "blockwise_overlay.inner_mask": lambda held: Form(
        low=FAR, high=-FAR, spans=held["block_sequence_ids"]
    ),
    "padding_mask_function.inner_mask": lambda held: Form(keys=(held["padding_mask"],)),
    "packed_sequence_mask_function.inner_mask": lambda held: Form(
        segments=(held["packed_sequence_mask"],)
    ),
    "remap_positions_for_packed_sequence.inner_mask": lambda held: _remap(
        form_of(held["mask_function"]), held["position_ids"]
    ),
}
_MODELS: Dict[str, Callable[[Dict[str, Any]], Form]] = {
    "gemma3._bidirectional_window_overlay.inner_mask": lambda held: Form(
        low=1 - held["sliding_window"], high=held["sliding_window"] - 1
    ),
    "gemma3.Gemma3TextModel.forward.<lambda>": lambda held: _EVERYTHING,
    "gemma4.sliding_window_mask_function.inner_mask": _two_sided_of,
    "moonshine_streaming.sliding_window_mask_function.inner_mask": _two_sided_of,
    "t5gemma2.sliding_window_mask_function.inner_mask": _two_sided_of,
}


def name_of(function: Any) -> str:
    """How a warning calls a mask function."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '?')}.{name}"


def form_of(function: Any) -> Form:
    """What a mask function lets see. Raises Unknown."""
    module = str(getattr(function, "__module__", ""))
    name = str(getattr(function, "__qualname__", "")).replace("<locals>.", "")
    known = None
    if module == "transformers.masking_utils":
        known = _CORE.get(name)
    elif module.startswith("transformers.models."):
        known = _MODELS.get(f"{module.split('.')[2]}.{name}")
    if known is None:
        raise Unknown(f"{name_of(function)} is not one that tileskip knows")
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        return known(dict(zip(function.__code__.co_freevars, cells)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unknown(f"{name_of(function)} holds something else than expected") from error


# ---- from a form to the grammar's text ----------------------------------------------------------


def _host(tensor: torch.Tensor, batch: int) -> "np.ndarray[Any, Any]":
    """[1|B, positions] as NumPy [B, positions]."""
    host: "np.ndarray[Any, Any]" = tensor.detach().cpu().numpy()
    return np.broadcast_to(host, (batch, host.shape[1]))


def _entries(values: List[str]) -> str:
    return values[0] if all(v == values[0] for v in values) else "/".join(values)


def _distances(form: Form, plane: Plane) -> List[str]:
    """causal, window and symmetric, without those that hide nothing on this plane."""
    first, last = plane.q_offset, plane.q_offset + plane.q_len - 1
    low, high = form.low, form.high
    if low > 0 or high < 0 or (-FAR < low < 0 and high > -low):
        raise Unknown("it sees less to the past than to the future")
    if form.blocks and low != 0:
        raise Unknown("it has blocks without being causal")
    rules = []
    if low == 0 and (form.blocks or first < plane.end - 1):
        rules.append("causal")
    if -FAR < low < 0 and max(last - plane.k_offset, plane.end - 1 - first) > -low:
        rules.append(f"symmetric={-2 * low}")
    if high < (-low if low < 0 else FAR) and last - plane.k_offset > high:
        rules.append(f"window={high + 1}")
    return rules


def _blocks(name: str, ids: Optional[torch.Tensor], batch: int) -> List[str]:
    """images or spans: runs of equal ids. One position alone sees itself anyway."""
    if ids is None:
        return []
    entries = []
    for row in _host(ids, batch):
        starts = np.concatenate(([0], np.flatnonzero(np.diff(row)) + 1, [len(row)]))
        runs = [(s, e) for s, e in zip(starts[:-1], starts[1:]) if row[s] >= 0]
        if len({int(row[s]) for s, _ in runs}) != len(runs):
            raise Unknown("a block of it lies in two places")
        entries.append("+".join(f"{s}:{e}" for s, e in runs if e - s > 1))
    if not any(entries):
        return []
    return [f"{name}=" + _entries([entry or "0:1" for entry in entries])]


def _segments(form: Form, plane: Plane) -> List[str]:
    """Packed sequences: runs of positions in which no id changes."""
    if not form.segments and not form.positions:
        return []
    end = plane.end
    if any(t.shape[1] != end for t in form.segments + form.positions):
        raise Unknown(f"its sequence ids are not for the {end} positions that there are")
    if plane.q_offset + plane.q_len > end:
        raise Unknown("it has queries past the last key")
    ids = [_host(t, plane.batch) for t in form.segments]
    breaks = np.zeros((plane.batch, end - 1), bool)
    for row, together in zip(breaks, zip(*ids)):
        _, which = np.unique(np.stack(together), axis=1, return_inverse=True)
        row[:] = np.diff(which.reshape(-1)) != 0
        if row.sum() != which.max():
            raise Unknown("a sequence of it lies in two places")
    for positions in form.positions:
        if ((np.diff(_host(positions, plane.batch), axis=1) != 1) & ~breaks).any():
            raise Unknown("its positions jump within a sequence")
    if not breaks.any():
        return []
    entries = []
    for row in breaks:
        ends = np.concatenate(([0], np.flatnonzero(row) + 1, [end]))
        entries.append("+".join(str(n) for n in np.diff(ends)))
    return ["segments=" + _entries(entries)]


def _resolve_chunk(form: Form, plane: Plane) -> Tuple[Form, List[str]]:
    """A chunk as the rule; as segments where left padding shifts it or not only the past is seen."""
    if form.chunk is None:
        return form, []
    size, first = form.chunk
    starts = first.detach().reshape(-1, 1).cpu()
    last = plane.q_offset + plane.q_len - 1
    if form.low == 0 and form.images is None and not starts.any():
        return form, [f"chunk={size}"] if last // size * size > plane.k_offset else []
    if form.spans is not None:
        raise Unknown("it has blocks that reach across chunks shifted by padding")
    ids = torch.div(torch.arange(plane.end, device="cpu") - starts, size, rounding_mode="floor")
    return form._replace(segments=form.segments + (ids,)), []


def _keys(
    keys: Sequence[torch.Tensor], plane: Plane
) -> Tuple[List[str], Optional["np.ndarray[Any, Any]"]]:
    """kstart and klen; where the keys of an entry are no single range, [B, k_len] as it is."""
    present = np.ones((plane.batch, plane.k_len), bool)
    for tensor in keys:
        columns = _host(tensor, plane.batch)[:, plane.k_offset : plane.end].astype(bool)
        present[:, : columns.shape[1]] &= columns
        present[:, columns.shape[1] :] = False
    if present.all():
        return [], None
    start = present.argmax(1)
    end = plane.k_len - present[:, ::-1].argmax(1)
    if (present.sum(1) != end - start).any():
        return [], present
    rules = []
    if (end < plane.k_len).any():
        rules.append("klen=" + _entries([str(n) for n in end]))
    if start.any():
        rules.append("kstart=" + _entries([str(n) for n in start]))
    return rules, None


def rules_of(
    function: Any, plane: Plane, padding: Optional[torch.Tensor]
) -> Tuple[str, Optional["np.ndarray[Any, Any]"]]:
    """The grammar's text of a mask function ("" where it hides nothing), and which keys there are
    ([B, k_len]) where that is no range.

    Args:
        function: transformers' mask function.
        plane: lengths and offsets.
        padding: [B, positions], True where there is a token.

    Raises:
        Unknown: no rules say the same.
    """
    form = form_of(function)
    form, rules = _resolve_chunk(form, plane)
    rules = _distances(form, plane) + rules
    rules += _blocks("images", form.images, plane.batch)
    rules += _blocks("spans", form.spans, plane.batch)
    rules += _segments(form, plane)
    absent, present = _keys(form.keys + (() if padding is None else (padding,)), plane)
    return ",".join(rules + absent), present
