# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Plans: attention for fixed shapes, strides and mask."""

from __future__ import annotations

import collections
import ctypes as c
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

from ._arrays import LEGACY_STREAM, NumpyForm, View, contiguous_strides, numpy_form
from ._device import Device
from ._execution import Execution
from ._frameworks import Framework, framework_of, is_negated, packed_rows, view
from ._library import (
    DTYPE_NAMES,
    DTYPE_SIZES,
    F32,
    AttentionDesc,
    Handle,
    PlanInfo,
    Strides,
    check,
    lib,
    make,
)
from ._masking import BoundMask, bytes_spanned, import_buffer, make_extent
from ._tile_map import TileMap, tile_of

AXES = {"bhld": (0, 1, 2), "blhd": (0, 2, 1)}
_AHEAD = 4  # calls of a plan that a caller's stream may hold before the next one waits
_in_graphs: List[Any] = []
"""Plans and masks that captured graphs replay; kept, since nobody tells when a graph is dropped."""


class Layout(NamedTuple):
    """What a plan needs to know of q, k or v."""

    dtype: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


class Settings(NamedTuple):
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


def layout_of(seen: View, name: str) -> Layout:
    if len(seen.shape) != 4:
        raise ValueError(f"{name} has shape {seen.shape}, expected 4 dimensions")
    if 0 in seen.shape:
        raise ValueError(f"{name} has shape {seen.shape}, expected no dimension of size 0")
    return Layout(seen.dtype, seen.shape, seen.strides)


def _strides(tensor: Layout, layout: str) -> Strides:
    """Batch, head and row strides; those of dimensions of size 1 do not matter and are made tidy."""
    batch, head, row = AXES[layout]
    return Strides(*[tensor.strides[a] if tensor.shape[a] > 1 else 0 for a in (batch, head, row)])


def _tidy(strides: Strides, dim: int) -> Strides:
    """All zero would mean contiguous; say instead that rows repeat only where they do."""
    if strides.batch == strides.head == strides.row == 0:
        return Strides(dim, dim, dim)
    return strides


def _same(name: str, what: str, value: Any, expected: Any) -> None:
    if value != expected:
        raise ValueError(f"{name} has {what} {value}, expected {expected} as in q")


def check_shapes(q: Layout, k: Layout, v: Layout, layout: str) -> None:
    batch, head, row = AXES[layout]
    for name, other in (("k", k), ("v", v)):
        _same(name, "dtype", DTYPE_NAMES[other.dtype], DTYPE_NAMES[q.dtype])
        _same(name, "batch size", other.shape[batch], q.shape[batch])
    _same("k", "head size", k.shape[3], q.shape[3])
    if v.shape[head] != k.shape[head] or v.shape[row] != k.shape[row]:
        raise ValueError(f"v has shape {v.shape}, expected the heads and length of k, {k.shape}")


def _describe(
    q: Layout, k: Layout, v: Layout, settings: Settings, mask: Optional[Handle]
) -> AttentionDesc:
    batch, head, row = AXES[settings.layout]
    o_shape = q.shape[:3] + v.shape[3:]
    o = Layout(q.dtype, o_shape, contiguous_strides(o_shape))
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


class Plan:
    """Attention for fixed shapes, strides and mask: choose once, run many times.

    Made by :func:`plan`. ``plan(q, k, v)`` returns the output, or (output, lse) if it was made with
    ``return_lse``. Thread-safety: may be called by several threads at once; the GIL is released
    while computing.
    """

    def __init__(
        self,
        on: Device,
        q: Layout,
        k: Layout,
        v: Layout,
        settings: Settings,
        mask: Optional[BoundMask],
    ) -> None:
        self._device, self._mask, self._settings = on, mask, settings
        self._expected = (("q", q), ("k", k), ("v", v))
        desc = _describe(q, k, v, settings, mask.handle if mask else None)
        self._handle = make(lib.plan_create, lib.plan_destroy, on.pointer, c.byref(desc))
        self._info: PlanInfo = lib.plan_get_info(self._handle.pointer).contents
        self._workspace: int = self._info.workspace_size
        self._where = on.name if on.backend == "cuda" else "cpu"
        batch, head, row = AXES[settings.layout]
        self._dtype = q.dtype
        self._o_shape = q.shape[:3] + v.shape[3:]
        self._lse_shape = (q.shape[batch], q.shape[head], q.shape[row])
        self._o_bytes = DTYPE_SIZES[q.dtype]
        for n in self._o_shape:
            self._o_bytes *= n
        self._sizes = [
            bytes_spanned(View(0, t.shape, t.strides, t.dtype, "", None)) for t in (q, k, v)
        ]
        self._forms: List[Optional[NumpyForm]] = [None, None, None, None]
        self._idle: Dict[int, Deque[Execution]] = {0: collections.deque()}

    @property
    def tile(self) -> Tuple[int, int]:
        """(BQ, BK) that a :class:`TileMap` for this plan must have."""
        return self._info.tile.bq, self._info.tile.bk

    @property
    def of_one_call(self) -> bool:
        """Whether it reads a mask tensor on a GPU, which only its maker has."""
        return self._where != "cpu" and self._mask is not None and len(self._mask.owners) > 0

    def release_mask(self) -> None:
        """Lets go of the mask tensor's memory, which its framework hands out again in the order of
        the stream. The plan may not be called any more."""
        if self._mask is not None:
            self._mask = self._mask._replace(owners=self._mask.owners[:1])

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
        stream: Optional[int] = None,
    ) -> Any:
        """Computes.

        Args:
            q, k, v: as given to :func:`plan`, other contents.
            sinks, out, stream: as for :func:`attention`.
            tile_map: a map of :attr:`tile` built before; None: it is built in the call.

        Raises:
            ValueError: arrays of another shape, stride, dtype or device than planned.
        """
        pointers, owners = [], []
        for i, array in enumerate((q, k, v)):
            form = self._forms[i]
            pointer = form.pointer(array) if form else 0
            if not pointer:
                seen = self._given(i, array)
                pointer, array = seen.pointer, seen.owner
            pointers.append(pointer)
            owners.append(array)
        result = self.run(q, pointers, sinks, tile_map, out, stream)
        del owners  # they kept the memory alive until here
        return result

    def _given(self, i: int, array: Any) -> View:
        """One of q, k, v, if it is what was planned."""
        name, expected = self._expected[i]
        seen = packed_rows(array, name)
        if seen[1:4] != (expected.shape, expected.strides, expected.dtype):
            raise ValueError(
                f"{name} has shape {seen.shape}, strides {seen.strides} and dtype "
                f"{DTYPE_NAMES[seen.dtype]}, the plan was made for shape {expected.shape}, "
                f"strides {expected.strides} and dtype {DTYPE_NAMES[expected.dtype]}"
            )
        self._check_device(seen, name)
        self._forms[i] = numpy_form(array) if seen.owner is array else None
        return seen

    def _check_device(self, seen: View, name: str) -> None:
        if seen.device != self._where:
            raise ValueError(f"{name} lies on {seen.device}, expected {self._where}")

    def run(
        self,
        like: Any,
        pointers: List[int],
        sinks: Optional[Any],
        tile_map: Optional[TileMap],
        out: Optional[Any],
        stream: Optional[int],
    ) -> Any:
        """Computes for arrays that have been checked; the caller keeps them alive."""
        maker = framework_of(like, "q")
        tile_of(tile_map)
        made = lse = None
        if out is None:
            made = maker.empty(like, self._o_shape, self._dtype)
            others = [maker.address(made)]
        else:
            others = [self._output(out, pointers)]
        if self._settings.lse:
            lse = maker.empty(like, self._lse_shape, F32)
            others.append(maker.address(lse))
        if self._settings.sinks:
            seen = self._sinks(sinks)
            others.append(seen.pointer)
        elif sinks is not None:
            raise ValueError("sinks is given, expected None: the plan was made without")
        if self._where == "cpu":
            execution = self._take(0)
            self._launch(execution, pointers, others, tile_map)
            execution.finish()
            self._idle[0].append(execution)
        else:
            self._queue(like, maker, pointers, others, tile_map, stream)
        if made is None:
            framework_of(out, "out").written(out)
            result = out
        else:
            result = maker.finish(made, self._dtype)
        return result if lse is None else (result, maker.finish(lse, F32))

    def _output(self, out: Any, inputs: List[int]) -> int:
        """Where the caller wants the result, if that fits."""
        form = self._forms[3]
        pointer = form.pointer(out) if form else 0
        if pointer and out.flags.writeable:
            self._check_apart(pointer, inputs)
            return pointer
        if framework_of(out, "out").immutable or _read_only(out):
            raise ValueError(
                f"out is a read-only {type(out).__name__}, expected an array to write into"
            )
        seen = view(out, "out")
        if is_negated(out):
            raise ValueError("out is a negated view, expected memory that holds its values")
        if seen.shape != self._o_shape or seen.dtype != self._dtype:
            raise ValueError(
                f"out has shape {seen.shape} and dtype {DTYPE_NAMES[seen.dtype]}, expected "
                f"{self._o_shape} and {DTYPE_NAMES[self._dtype]}"
            )
        expected = contiguous_strides(seen.shape)
        if any(n > 1 and s != e for n, s, e in zip(seen.shape, seen.strides, expected)):
            raise ValueError(f"out has strides {seen.strides}, expected a contiguous array")
        if seen.pointer % DTYPE_SIZES[seen.dtype] != 0:
            raise ValueError(f"out begins at {seen.pointer:#x}, expected an aligned array")
        self._check_device(seen, "out")
        self._check_apart(seen.pointer, inputs)
        self._forms[3] = numpy_form(out)
        return seen.pointer

    def _check_apart(self, out: int, inputs: List[int]) -> None:
        for i, pointer in enumerate(inputs):
            if pointer < out + self._o_bytes and out < pointer + self._sizes[i]:
                raise ValueError(f"out overlaps {'qkv'[i]}, expected memory of its own")

    def _sinks(self, sinks: Any) -> View:
        if sinks is None:
            raise ValueError("sinks is None, expected [n_heads] as the plan was made with")
        seen = packed_rows(sinks, "sinks")
        if seen.dtype != F32 or seen.shape != (self._lse_shape[1],):
            raise ValueError(
                f"sinks has shape {seen.shape} and dtype {DTYPE_NAMES[seen.dtype]}, expected "
                f"({self._lse_shape[1]},) and f32"
            )
        self._check_device(seen, "sinks")
        return seen

    def _queue(
        self,
        like: Any,
        maker: Framework,
        inputs: List[int],
        others: List[int],
        tile_map: Optional[TileMap],
        stream: Optional[int],
    ) -> None:
        """Computes on a CUDA stream, or records that in the graph which the stream captures."""
        current = maker.stream(like)
        number = current if stream is None else stream
        if current is not None and number == current and maker.capturing(like):
            self._record(like, maker, inputs, others, tile_map, current)
            return
        execution = self._take(number or LEGACY_STREAM)
        self._launch(execution, inputs, others, tile_map)
        if current is None or number != current:
            execution.finish()
        self._give_back(execution)

    def _record(
        self,
        like: Any,
        maker: Framework,
        inputs: List[int],
        others: List[int],
        tile_map: Optional[TileMap],
        stream: int,
    ) -> None:
        """As part of a graph, which may be replayed at any time: the workspace is memory of the
        graph's own, which its framework hands out while it captures."""
        execution = Execution(self._device, stream or LEGACY_STREAM)
        if self._workspace:
            words = (self._workspace + 3) // 4
            memory = maker.empty(like, (words,), F32)
            execution.use_workspace(import_buffer(self._device, maker.address(memory), 4 * words))
        self._launch(execution, inputs, others, tile_map)
        _in_graphs.append((self._handle, self._mask and self._mask.handle, execution.encoder))

    def _take(self, stream: int) -> Execution:
        """An execution that nobody uses; once a stream holds several, the oldest of them."""
        idle = self._idle.get(stream)
        try:
            execution = idle.popleft() if idle else None
        except IndexError:  # another thread was faster
            execution = None
        if execution is not None and execution.in_flight and idle is not None:
            if len(idle) + 1 >= _AHEAD:
                execution.finish()
                return execution
            idle.appendleft(execution)
            execution = None
        if execution is None:
            execution = Execution(self._device, stream)
            if self._workspace:
                made = make(
                    lib.buffer_create, lib.buffer_destroy, self._device.pointer, self._workspace
                )
                execution.use_workspace(made)
        return execution

    def _give_back(self, execution: Execution) -> None:
        self._idle.setdefault(execution.stream, collections.deque()).append(execution)

    def _launch(
        self,
        execution: Execution,
        inputs: List[int],
        others: List[int],
        tile_map: Optional[TileMap],
    ) -> None:
        on, tensors, buffers = self._device, execution.tensors, execution.buffers
        tensors.q.buffer = buffers[0].at(on, inputs[0], self._sizes[0])
        tensors.k.buffer = buffers[1].at(on, inputs[1], self._sizes[1])
        tensors.v.buffer = buffers[2].at(on, inputs[2], self._sizes[2])
        tensors.o.buffer = buffers[3].at(on, others[0], self._o_bytes)
        batch, heads, rows = self._lse_shape
        if self._settings.lse:
            tensors.lse.buffer = buffers[4].at(on, others[1], 4 * batch * heads * rows)
        if self._settings.sinks:
            tensors.sinks.buffer = buffers[5].at(on, others[-1], 4 * heads)
        execution.tile_map = tile_map
        tensors.map = tile_map._handle.pointer if tile_map is not None else None
        encoder = execution.encoder.pointer
        check(lib.attention_encode(self._handle.pointer, encoder, execution.reference))
        check(lib.encoder_submit(encoder))
        execution.in_flight = True


def _read_only(array: Any) -> bool:
    flags = getattr(array, "flags", None)
    return flags is not None and not getattr(flags, "writeable", True)
