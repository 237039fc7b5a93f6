# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Plans and attention."""

from __future__ import annotations

import collections
import ctypes as c
import functools
from typing import Any, Deque, List, NamedTuple, Optional, Tuple, Union

from ._arrays import NumpyForm, View, empty_like, numpy_form, packed_rows, pointer_if, view
from ._device import Device
from ._library import (
    DTYPE_NAMES,
    DTYPE_SIZES,
    F32,
    AttentionDesc,
    AttentionTensors,
    EncoderDesc,
    Handle,
    PlanInfo,
    Strides,
    check,
    lib,
    make,
)
from ._masking import (
    Rules,
    bind_mask,
    bytes_spanned,
    import_buffer,
    make_extent,
    offset,
    pick_device,
    split_mask,
)
from ._tile_map import TileMap

_AXES = {"bhld": (0, 1, 2), "blhd": (0, 2, 1)}


class _Layout(NamedTuple):
    """What a plan needs to know of q, k or v."""

    dtype: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


class _Settings(NamedTuple):
    """Everything else that tells two plans apart."""

    layout: str
    scale: float
    softcap: float
    sinks: bool
    lse: bool
    q_offset: int
    k_offset: int
    tile: Tuple[int, int]
    skip: bool
    unaligned: bool


def _layout(seen: View, name: str) -> _Layout:
    if len(seen.shape) != 4:
        raise ValueError(f"{name} has shape {seen.shape}, expected 4 dimensions")
    return _Layout(seen.dtype, seen.shape, seen.strides)


def _strides(tensor: _Layout, layout: str) -> Strides:
    """Batch, head and row strides; those of dimensions of size 1 do not matter and are made tidy."""
    batch, head, row = _AXES[layout]
    return Strides(*[tensor.strides[a] if tensor.shape[a] > 1 else 0 for a in (batch, head, row)])


def _tidy(strides: Strides, dim: int) -> Strides:
    """All zero would mean contiguous; say instead that rows repeat only where they do."""
    if strides.batch == strides.head == strides.row == 0:
        return Strides(dim, dim, dim)
    return strides


def _contiguous(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    steps = [1]
    for size in reversed(shape[1:]):
        steps.append(steps[-1] * size)
    return tuple(reversed(steps))


def _same(name: str, what: str, value: Any, expected: Any) -> None:
    if value != expected:
        raise ValueError(f"{name} has {what} {value}, expected {expected} as in q")


def _check_shapes(q: _Layout, k: _Layout, v: _Layout, layout: str) -> None:
    batch, head, row = _AXES[layout]
    for name, other in (("k", k), ("v", v)):
        _same(name, "dtype", DTYPE_NAMES[other.dtype], DTYPE_NAMES[q.dtype])
        _same(name, "batch size", other.shape[batch], q.shape[batch])
    _same("k", "head size", k.shape[3], q.shape[3])
    if v.shape[head] != k.shape[head] or v.shape[row] != k.shape[row]:
        raise ValueError(f"v has shape {v.shape}, expected the heads and length of k, {k.shape}")


def _describe(
    q: _Layout, k: _Layout, v: _Layout, settings: _Settings, mask: Optional[Handle]
) -> AttentionDesc:
    batch, head, row = _AXES[settings.layout]
    o_shape = q.shape[:3] + v.shape[3:]
    o = _Layout(q.dtype, o_shape, _contiguous(o_shape))
    desc = AttentionDesc(
        n_kv_heads=k.shape[head],
        head_dim=q.shape[3],
        head_dim_v=v.shape[3],
        dtype=q.dtype,
        scale=settings.scale,
        softcap=settings.softcap,
        sinks=settings.sinks,
        lse=settings.lse,
        no_skip=not settings.skip,
        unaligned=settings.unaligned,
        mask=mask.pointer if mask else None,
    )
    desc.extent = make_extent(
        q.shape[batch],
        q.shape[head],
        q.shape[row],
        k.shape[row],
        settings.q_offset,
        settings.k_offset,
    )
    desc.tile.bq, desc.tile.bk = settings.tile
    for name, tensor in (("q", q), ("k", k), ("v", v), ("o", o)):
        setattr(desc, name, _tidy(_strides(tensor, settings.layout), tensor.shape[3]))
    return desc


class _Imported:
    """A buffer of the caller's memory, kept while the same memory comes again."""

    __slots__ = ("pointer", "size", "handle")

    def __init__(self) -> None:
        self.pointer = self.size = 0
        self.handle: Optional[Handle] = None

    def at(self, on: Device, pointer: int, size: int) -> c.c_void_p:
        if self.handle is None or self.pointer != pointer or self.size != size:
            self.handle = import_buffer(on, pointer, size)
            self.pointer, self.size = pointer, size
        return self.handle.pointer


class _Execution:
    """What one call in flight needs for itself: an encoder, a workspace, buffers."""

    def __init__(self, on: Device, workspace: int, stream: int) -> None:
        desc = EncoderDesc(native_stream=stream or None)
        self.stream = stream
        self.encoder = make(
            lib.encoder_create, lib.encoder_destroy, on.pointer, c.byref(desc)
        )
        self.tensors = AttentionTensors()
        self.buffers = [_Imported() for _ in range(6)]
        self.workspace: Optional[Handle] = None
        if workspace:
            self.workspace = make(lib.buffer_create, lib.buffer_destroy, on.pointer, workspace)
            self.tensors.workspace.buffer = self.workspace.pointer


class Plan:
    """Attention for fixed shapes, strides and mask: choose once, run many times.

    Made by :func:`plan`. ``plan(q, k, v)`` returns the output, or (output, lse) if it was made with
    ``return_lse``. Thread-safety: may be called by several threads at once; the GIL is released
    while computing.
    """

    def __init__(
        self,
        on: Device,
        q: _Layout,
        k: _Layout,
        v: _Layout,
        settings: _Settings,
        mask: Optional[Any],
    ) -> None:
        self._device, self._mask, self._settings = on, mask, settings
        self._expected = (("q", q), ("k", k), ("v", v))
        desc = _describe(q, k, v, settings, mask.handle if mask else None)
        self._handle = make(lib.plan_create, lib.plan_destroy, on.pointer, c.byref(desc))
        self._info: PlanInfo = lib.plan_get_info(self._handle.pointer).contents
        batch, head, row = _AXES[settings.layout]
        self._o_shape = q.shape[:3] + v.shape[3:]
        self._lse_shape = (q.shape[batch], q.shape[head], q.shape[row])
        self._o_bytes = DTYPE_SIZES[q.dtype]
        for n in self._o_shape:
            self._o_bytes *= n
        self._sizes = [
            bytes_spanned(View(0, t.shape, t.strides, t.dtype, "", None)) for t in (q, k, v)
        ]
        self._forms: List[Optional[NumpyForm]] = [None, None, None, None]
        self._idle: Deque[_Execution] = collections.deque()

    @property
    def tile(self) -> Tuple[int, int]:
        """(BQ, BK) that a :class:`TileMap` for this plan must have."""
        return self._info.tile.bq, self._info.tile.bk

    def __repr__(self) -> str:
        return f"<tileskip.Plan {lib.plan_describe(self._handle.pointer).decode()}>"

    def __call__(
        self,
        q: Any,
        k: Any,
        v: Any,
        *,
        sinks: Optional[Any] = None,
        tile_map: Optional[TileMap] = None,
        out: Optional[Any] = None,
        stream: int = 0,
    ) -> Any:
        """Computes. q, k, v: as given to :func:`plan`, other contents.

        Raises ValueError for arrays of another shape, stride, dtype or device than planned.
        """
        views = []
        for i, (array, (name, expected)) in enumerate(zip((q, k, v), self._expected)):
            pointer = pointer_if(array, self._forms[i])
            if pointer:
                views.append(View(pointer, *expected[1:], expected.dtype, "cpu", array))
                continue
            seen = packed_rows(array, name)
            if seen[1:4] != (expected.shape, expected.strides, expected.dtype):
                raise ValueError(
                    f"{name} has shape {seen.shape}, strides {seen.strides} and dtype "
                    f"{DTYPE_NAMES[seen.dtype]}, the plan was made for shape {expected.shape}, "
                    f"strides {expected.strides} and dtype {DTYPE_NAMES[expected.dtype]}"
                )
            views.append(seen)
            self._forms[i] = numpy_form(array) if seen.owner is array else None
        return self._run(q, views, sinks, tile_map, out, stream)

    def _run(
        self,
        like: Any,
        views: List[View],
        sinks: Optional[Any],
        tile_map: Optional[TileMap],
        out: Optional[Any],
        stream: int,
    ) -> Any:
        convert = None
        if out is None:
            out, convert = empty_like(like, self._o_shape, views[0].dtype)
        target = self._output(out, views[0].dtype)
        lse, convert_lse = (
            empty_like(like, self._lse_shape, F32) if self._settings.lse else (None, None)
        )
        others = [target]
        if lse is not None:
            others.append(view(lse, "lse"))
        if self._settings.sinks:
            others.append(self._sinks(sinks))
        elif sinks is not None:
            raise ValueError("sinks is given, expected None: the plan was made without")
        self._launch(views, others, tile_map, stream)
        result = convert(out, views[0].dtype) if convert else out
        if lse is None:
            return result
        return result, (convert_lse(lse, F32) if convert_lse else lse)

    def _output(self, out: Any, dtype: int) -> View:
        pointer = pointer_if(out, self._forms[3])
        if pointer:
            return View(pointer, self._o_shape, (), dtype, "cpu", out)
        seen = view(out, "out")
        if seen.shape != self._o_shape or seen.dtype != dtype:
            raise ValueError(
                f"out has shape {seen.shape} and dtype {DTYPE_NAMES[seen.dtype]}, expected "
                f"{self._o_shape} and {DTYPE_NAMES[dtype]}"
            )
        if any(n > 1 and s != e for n, s, e in zip(seen.shape, seen.strides, _contiguous(seen.shape))):
            raise ValueError(f"out has strides {seen.strides}, expected a contiguous array")
        self._forms[3] = numpy_form(out)
        return seen

    def _sinks(self, sinks: Any) -> View:
        if sinks is None:
            raise ValueError("sinks is None, expected [n_heads] as the plan was made with")
        seen = packed_rows(sinks, "sinks")
        if seen.dtype != F32 or seen.shape != (self._lse_shape[1],):
            raise ValueError(
                f"sinks has shape {seen.shape} and dtype {DTYPE_NAMES[seen.dtype]}, expected "
                f"({self._lse_shape[1]},) and f32"
            )
        return seen

    def _launch(
        self, views: List[View], others: List[View], tile_map: Optional[TileMap], stream: int
    ) -> None:
        try:
            run = self._idle.pop()
            if run.stream != stream:
                run = _Execution(self._device, self._info.workspace_size, stream)
        except IndexError:
            run = _Execution(self._device, self._info.workspace_size, stream)
        on, tensors, buffers = self._device, run.tensors, run.buffers
        tensors.q.buffer = buffers[0].at(on, views[0].pointer, self._sizes[0])
        tensors.k.buffer = buffers[1].at(on, views[1].pointer, self._sizes[1])
        tensors.v.buffer = buffers[2].at(on, views[2].pointer, self._sizes[2])
        tensors.o.buffer = buffers[3].at(on, others[0].pointer, self._o_bytes)
        rest = iter(others[1:])
        if self._settings.lse:
            seen = next(rest)
            tensors.lse.buffer = buffers[4].at(on, seen.pointer, bytes_spanned(seen))
        if self._settings.sinks:
            seen = next(rest)
            tensors.sinks.buffer = buffers[5].at(on, seen.pointer, bytes_spanned(seen))
        tensors.map = tile_map._handle.pointer if tile_map is not None else None
        encoder = run.encoder.pointer
        check(lib.attention_encode(self._handle.pointer, encoder, c.byref(tensors)))
        check(lib.encoder_submit(encoder))
        check(lib.encoder_wait(encoder))
        check(lib.encoder_reset(encoder))
        self._idle.append(run)


@functools.lru_cache(maxsize=256)
def _rules_plan(
    on: Device, q: _Layout, k: _Layout, v: _Layout, settings: _Settings, rules: Optional[str]
) -> Plan:
    heads = q.shape[_AXES[settings.layout][1]]
    return Plan(on, q, k, v, settings, bind_mask(on, rules, None, heads))


def _plan(
    on: Device, layouts: List[_Layout], settings: _Settings, rules: Optional[str], tensor: Optional[View]
) -> Plan:
    """A plan under rules alone is shared; a tensor's is made anew, for its contents may differ."""
    q, k, v = layouts
    if tensor is None:
        return _rules_plan(on, q, k, v, settings, rules)
    heads = q.shape[_AXES[settings.layout][1]]
    return Plan(on, q, k, v, settings, bind_mask(on, rules, tensor, heads))


def _prepare(
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    rules: Optional[Rules],
    scale: Optional[float],
    softcap: Optional[float],
    sinks: bool,
    return_lse: bool,
    layout: str,
    q_offset: Union[int, str],
    k_offset: int,
    tile: Optional[Tuple[int, int]],
    skip: bool,
    device: str,
) -> Tuple[Plan, List[View]]:
    if layout not in _AXES:
        raise ValueError(f'layout is {layout!r}, expected "bhld" or "blhd"')
    if scale == 0:
        raise ValueError("scale is 0, expected another number, or None for 1/sqrt(head size)")
    views = [packed_rows(a, name) for a, name in ((q, "q"), (k, "k"), (v, "v"))]
    layouts = [_layout(seen, name) for seen, name in zip(views, "qkv")]
    _check_shapes(layouts[0], layouts[1], layouts[2], layout)
    text, tensor = split_mask(mask, rules)
    named = list(zip("qkv", views)) + ([("mask", tensor)] if tensor is not None else [])
    on = pick_device(device, *named)
    settings = _Settings(
        layout=layout,
        scale=float(scale or 0),
        softcap=float(softcap or 0),
        sinks=sinks,
        lse=return_lse,
        q_offset=offset(q_offset, "q_offset"),
        k_offset=offset(k_offset, "k_offset"),
        tile=tile or (0, 0),
        skip=skip,
        unaligned=on.backend == "cuda" and any(seen.pointer % 16 for seen in views),
    )
    return _plan(on, layouts, settings, text, tensor), views


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
    return _prepare(
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
    stream: int = 0,
) -> Any:
    """Masked attention: softmax(scale · q kᵀ (→ softcap) + mask) v.

    Args:
        q: [B, H, Lq, D], or [B, Lq, H, D] with layout "blhd"; float32, float16 or bfloat16; NumPy
            or any DLPack array. Read in place whatever its strides, if the innermost is 1.
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
        stream: CUDA stream to compute on (an integer handle); ignored by the CPU.

    Returns:
        [B, H, Lq, Dv] (or as `layout` says) in q's dtype and framework.

    Raises:
        ValueError, TypeError: wrong arguments, named with their value and what was expected.
        MemoryError, tileskip.Error: from the library.
    """
    made, views = _prepare(
        q, k, v, mask, rules, scale, softcap, sinks is not None, return_lse, layout, q_offset,
        k_offset, tile_map.tile if tile_map is not None else None, skip, device,
    )
    return made._run(q, views, sinks, tile_map, out, stream)
