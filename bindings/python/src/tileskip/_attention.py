# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The two calls: attention, and a plan for many of them."""

from __future__ import annotations

import collections
import functools
import math
from typing import Any, Deque, List, Optional, Tuple, Union

from ._arrays import View
from ._checks import tile_pair
from ._device import Device
from ._frameworks import packed_rows
from ._masking import Rules, bind_mask, offset, pick_device, split_mask
from ._plan import AXES, Layout, Plan, Settings, check_shapes, layout_of
from ._tile_map import TileMap, tile_of

_queued: Deque[Plan] = collections.deque(maxlen=8)
"""Plans made for one call on a GPU that may still be queued: to drop one is to wait for it."""


@functools.lru_cache(maxsize=256)
def _rules_plan(
    on: Device, q: Layout, k: Layout, v: Layout, settings: Settings, rules: Optional[str]
) -> Plan:
    heads = q.shape[AXES[settings.layout][1]]
    return Plan(on, q, k, v, settings, bind_mask(on, rules, None, heads))


def _plan(
    on: Device, layouts: List[Layout], settings: Settings, rules: Optional[str], tensor: Optional[View]
) -> Plan:
    """A plan under rules alone is shared; a tensor's is made anew, for its contents may differ."""
    q, k, v = layouts
    if tensor is None:
        return _rules_plan(on, q, k, v, settings, rules)
    heads = q.shape[AXES[settings.layout][1]]
    return Plan(on, q, k, v, settings, bind_mask(on, rules, tensor, heads))


def _single(value: Optional[float], name: str) -> float:
    """As the library takes it, a float32, of which 0 means "not given"."""
    number = float(value or 0)
    if number != 0 and not 2**-149 <= abs(number) < 2**128 and not math.isnan(number):
        raise ValueError(f"{name} is {value!r}, expected a number that a float32 can hold")
    return number


def prepare(
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    rules: Optional[Rules],
    scale: Optional[float],
    softcap: Optional[float],
    sinks: bool,
    return_lse: bool = False,
    layout: str = "bhld",
    q_offset: Union[int, str] = 0,
    k_offset: int = 0,
    tile: Optional[Tuple[int, int]] = None,
    skip: bool = True,
    device: str = "auto",
) -> Tuple[Plan, List[View]]:
    """A plan, and where q, k and v lie, for :func:`run_once`."""
    if layout not in AXES:
        raise ValueError(f'layout is {layout!r}, expected "bhld" or "blhd"')
    if scale == 0:
        raise ValueError("scale is 0, expected another number, or None for 1/sqrt(head size)")
    views = [packed_rows(a, name) for a, name in ((q, "q"), (k, "k"), (v, "v"))]
    layouts = [layout_of(seen, name) for seen, name in zip(views, "qkv")]
    check_shapes(layouts[0], layouts[1], layouts[2], layout)
    text, tensor = split_mask(mask, rules)
    named = list(zip("qkv", views)) + ([("mask", tensor)] if tensor is not None else [])
    on = pick_device(device, *named)
    settings = Settings(
        layout=layout,
        scale=_single(scale, "scale"),
        softcap=_single(softcap, "softcap"),
        sinks=sinks,
        lse=return_lse,
        q_offset=offset(q_offset, "q_offset"),
        k_offset=offset(k_offset, "k_offset"),
        tile=tile_pair(tile) or (0, 0),
        skip=skip,
        unaligned=on.backend == "cuda" and any(seen.pointer % 16 for seen in views),
    )
    return _plan(on, layouts, settings, text, tensor), views


def run_once(
    made: Plan,
    views: List[View],
    q: Any,
    sinks: Optional[Any] = None,
    tile_map: Optional[TileMap] = None,
    out: Optional[Any] = None,
    stream: Optional[int] = None,
) -> Any:
    """Computes what :func:`prepare` has planned, for the same arrays."""
    result = made.run(q, [seen.pointer for seen in views], sinks, tile_map, out, stream)
    if made.of_one_call:
        made.release_mask()
        _queued.append(made)
    return result


def plan(
    q: Any,
    k: Any,
    v: Any,
    *,
    mask: Any = None,
    rules: Optional[Rules] = None,
    scale: Optional[float] = None,
    softcap: Optional[float] = None,
    sinks: bool = False,
    return_lse: bool = False,
    layout: str = "bhld",
    q_offset: Union[int, str] = 0,
    k_offset: int = 0,
    tile: Optional[Tuple[int, int]] = None,
    skip: bool = True,
    device: str = "auto",
) -> Plan:
    """Chooses kernels for arrays like q, k and v, to be called many times.

    Arguments as for :func:`attention`; `sinks` says only whether they will be given. A mask tensor
    is kept alive by the plan, and its map is built anew at each call unless one is given.
    """
    return prepare(
        q, k, v, mask, rules, scale, softcap, sinks, return_lse, layout, q_offset, k_offset, tile,
        skip, device,
    )[0]


def attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    mask: Any = None,
    rules: Optional[Rules] = None,
    tile_map: Optional[TileMap] = None,
    scale: Optional[float] = None,
    softcap: Optional[float] = None,
    sinks: Optional[Any] = None,
    return_lse: bool = False,
    out: Optional[Any] = None,
    layout: str = "bhld",
    q_offset: Union[int, str] = 0,
    k_offset: int = 0,
    skip: bool = True,
    device: str = "auto",
    stream: Optional[int] = None,
) -> Any:
    """Masked attention: softmax(scale · q kᵀ (→ softcap) + mask) v.

    Args:
        q: [B, H, Lq, D], or [B, Lq, H, D] with layout "blhd"; float32, float16 or bfloat16; of
            NumPy, PyTorch, JAX, MLX, CuPy or whatever speaks DLPack. Read in place whatever its
            strides, if the innermost is 1 and none is negative; else copied first.
        k, v: [B, Hkv, Lk, D] and [B, Hkv, Lk, Dv]; Hkv divides H.
        mask: None, rules (a :class:`Mask` or the grammar's text), or an array [Lq, Lk] or
            [1|B, 1|H, 1|Lq, Lk]: added to the scores (at or below -1e30: masked), or bool (True
            attends).
        rules: rules that hold beside a mask array.
        tile_map: a map built before for the same mask, lengths, offsets and ``plan.tile``.
        scale: default 1/sqrt(D).
        softcap: scores become c·tanh(score/c) before the mask.
        sinks: float32 [H], one extra logit a head without a value.
        return_lse: return (output, log-sum-exp), the latter float32 [B, H, Lq].
        out: contiguous array to write into; default: a new one of q's framework.
        q_offset: keys that came before the first query row, or "end" to align the last query with
            the last key. The default aligns ``causal`` top-left.
        k_offset: keys that a sliding cache has dropped.
        skip: False visits every tile, for comparison; the output is the same, byte for byte.
        device: "auto": where the arrays lie; or e.g. "cpu:avx2".
        stream: CUDA stream to compute on (its handle as a number). Default: the current one of q's
            framework (PyTorch, CuPy); the call then returns once the work is queued there. On any
            other stream, and for frameworks without one, it returns when the result is there.
            Ignored on the CPU, where a call always returns with the result.

    Returns:
        [B, H, Lq, Dv] (or as `layout` says) in q's dtype and framework.

    Raises:
        ValueError, TypeError: wrong arguments, named with their value and what was expected.
        RuntimeError: a PyTorch tensor that needs a gradient, outside ``torch.no_grad()``.
        MemoryError, tileskip.Error: from the library, in its words.
    """
    made, views = prepare(
        q, k, v, mask, rules, scale, softcap, sinks is not None, return_lse, layout, q_offset,
        k_offset, tile_of(tile_map), skip, device,
    )
    return run_once(made, views, q, sinks, tile_map, out, stream)
