# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Mask handles of the C library: from rules (shared) or from a tensor (made for each call)."""

from __future__ import annotations

import ctypes as c
import functools
import weakref
from typing import Any, MutableMapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from ._arrays import View
from ._checks import U32_MAX, text_bytes, whole
from ._device import Device, device
from ._frameworks import packed_rows
from ._library import DTYPE_SIZES, OFFSET_END, Extent, Handle, MaskDesc, MaskTensor, lib, make
from ._mask import Mask

Rules = Union[str, Mask]


class BoundMask(NamedTuple):
    """A mask handle with what it borrows."""

    handle: Handle
    owners: Tuple[Any, ...]


def rules_text(rules: Optional[Rules]) -> Optional[str]:
    """The grammar's text; None for no rules."""
    if rules is not None and not isinstance(rules, (str, Mask)):
        raise TypeError(f"rules is a {type(rules).__name__}, expected text or a Mask")
    return None if rules is None else str(rules)


@functools.lru_cache(maxsize=256)
def _rules_mask(on: Device, text: str, n_heads: int) -> BoundMask:
    desc = MaskDesc(rules=text_bytes(text, "rules"), n_heads=n_heads)
    return BoundMask(make(lib.mask_create, lib.mask_destroy, on.pointer, c.byref(desc)), ())


def bytes_spanned(seen: View) -> int:
    """From the first element of an array to past its last."""
    last = sum((n - 1) * s for n, s in zip(seen.shape, seen.strides) if n > 0)
    return max((last + 1) * DTYPE_SIZES[seen.dtype], 1)


def import_buffer(on: Device, pointer: int, size: int) -> Handle:
    """A buffer of the caller's memory."""
    return make(lib.buffer_import, lib.buffer_destroy, on.pointer, pointer, size)


_mask_buffers: MutableMapping[Tuple[int, int, int], Handle] = weakref.WeakValueDictionary()


def _mask_buffer(on: Device, seen: View) -> Handle:
    """The buffer of a mask tensor: one for all that use the same memory at a time, because a map
    fits the plans whose mask lies in the buffer that it was built from."""
    size = bytes_spanned(seen)
    key = (id(on), seen.pointer, size)
    found = _mask_buffers.get(key)
    if found is None:
        found = import_buffer(on, seen.pointer, size)
        _mask_buffers[key] = found
    return found


def describe_tensor(seen: View, buffer: Optional[Handle]) -> MaskTensor:
    rank = len(seen.shape)
    tensor = MaskTensor(
        buffer=buffer.pointer if buffer else None, dtype=seen.dtype, rank=rank
    )
    for i in range(min(rank, 4)):
        tensor.shape[i] = seen.shape[i]
        tensor.strides[i] = seen.strides[i]
    if rank and rank <= 4 and seen.shape[rank - 1] == 1:
        tensor.strides[rank - 1] = 1
    return tensor


def bind_mask(
    on: Device, text: Optional[str], tensor: Optional[View], n_heads: int
) -> Optional[BoundMask]:
    """The mask of rules, a tensor or both; None where there is neither."""
    if tensor is None:
        return _rules_mask(on, text, n_heads) if text else None
    buffer = _mask_buffer(on, tensor)
    desc = MaskDesc(
        rules=text_bytes(text, "rules") if text else None,
        tensor=describe_tensor(tensor, buffer),
        n_heads=n_heads,
    )
    handle = make(lib.mask_create, lib.mask_destroy, on.pointer, c.byref(desc))
    return BoundMask(handle, (buffer, tensor.owner))


def split_mask(
    mask: Any, rules: Optional[Rules]
) -> Tuple[Optional[str], Optional[View]]:
    """Sorts `mask` (a Mask, its text or an array) and `rules` into text and tensor."""
    if isinstance(mask, (str, Mask)):
        if rules is not None:
            raise ValueError("mask holds rules and rules is given too, expected one of them")
        return rules_text(mask), None
    if isinstance(mask, np.ma.MaskedArray):
        raise TypeError("mask is a MaskedArray, expected an array without masked cells")
    tensor = None if mask is None else packed_rows(mask, "mask", repeats=True)
    return rules_text(rules), tensor


def offset(value: Union[int, str], name: str) -> int:
    """A position offset; "end" for the first that aligns the last query with the last key."""
    if isinstance(value, str):
        if value != "end":
            raise ValueError(f'{name} is {value!r}, expected "end" or a number of at least 0')
        return OFFSET_END
    return whole(value, name)


def pick_device(name: str, *views: Tuple[str, View]) -> Device:
    """The device to compute on: where the arrays lie, or the one named if it fits them."""
    first_name, first = views[0]
    for other_name, other in views[1:]:
        if other.device != first.device:
            raise ValueError(
                f"{other_name} lies on {other.device}, expected {first.device} as {first_name}"
            )
    if not isinstance(name, str):
        raise TypeError(f"device is a {type(name).__name__}, expected a name as of devices()")
    if name == "auto":
        return device(first.device)
    if name.partition(":")[0] != first.device.partition(":")[0]:
        raise ValueError(f"device is {name!r}, expected one for arrays on {first.device}")
    return device(name)


def make_extent(
    batch: int, n_heads: int, q_len: int, k_len: int, q_offset: int, k_offset: int
) -> Extent:
    """The plane of a mask; the offsets as :func:`offset` gives them."""
    return Extent(
        whole(batch, "batch", 1, U32_MAX),
        whole(n_heads, "n_heads", 1, U32_MAX),
        whole(q_len, "q_len", 1),
        whole(k_len, "k_len", 1),
        q_offset,
        k_offset,
    )
