# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Tile maps: one byte for each tile of a mask."""

from __future__ import annotations

import base64
import ctypes as c
import html
import io
from typing import Any, NamedTuple, Optional, Tuple, Union

import numpy as np

from ._arrays import LEGACY_STREAM
from ._checks import U32_MAX, tile_pair, whole
from ._device import Device, device
from ._frameworks import framework_of, packed_rows
from ._library import (
    F32,
    AttentionDesc,
    EncoderDesc,
    PlanInfo,
    Tile,
    TileCounts,
    TileMapDesc,
    TileMapInfo,
    check,
    lib,
    make,
)
from ._masking import BoundMask, Rules, bind_mask, make_extent, offset, pick_device, rules_text

_NAMES = ("skip", "mixed", "full")
_PICTURE_SIDE = 512
_REPR_SIDE = 320
_COLOURS = ("#e8eaed", "#f59628", "#2660ba")  # those of the library's pictures


class Counts(NamedTuple):
    """How many tiles of each class, over all planes."""

    skip: int
    mixed: int
    full: int


def usual_tile(on: Device, head_dim: int = 128) -> Tuple[int, int]:
    """The tile that attention of that head size asks for on a device."""
    desc = AttentionDesc(head_dim=head_dim, dtype=F32)
    desc.extent = make_extent(1, 1, 1 << 20, 1 << 20, 0, 0)
    plan = make(lib.plan_create, lib.plan_destroy, on.pointer, c.byref(desc))
    info: PlanInfo = lib.plan_get_info(plan.pointer).contents
    return info.tile.bq, info.tile.bk


class TileMap:
    """The class of every tile of a mask: 0 SKIP, 1 MIXED, 2 FULL.

    Build it once with :meth:`from_rules` or :meth:`from_mask`, use it for every head, layer and
    call with the same mask, lengths and offsets. A map is bound to those: used with anything else
    it is refused by name. Thread-safety: read-only, may be shared.
    """

    def __init__(self, on: Device, bound: BoundMask, desc: TileMapDesc, stream: int) -> None:
        self._device = on
        self._mask = bound
        self._handle = make(lib.tile_map_create, lib.tile_map_destroy, c.byref(desc))
        self._info: TileMapInfo = lib.tile_map_get_info(self._handle.pointer).contents
        queue = EncoderDesc(native_stream=stream or None)
        encoder = make(lib.encoder_create, lib.encoder_destroy, on.pointer, c.byref(queue))
        check(lib.tile_map_encode(self._handle.pointer, encoder.pointer))
        check(lib.encoder_submit(encoder.pointer))
        check(lib.encoder_wait(encoder.pointer))

    @classmethod
    def from_rules(
        cls,
        rules: Rules,
        q_len: int,
        k_len: Optional[int] = None,
        *,
        tile: Optional[Tuple[int, int]] = None,
        batch: int = 1,
        n_heads: int = 1,
        q_offset: Union[int, str] = 0,
        k_offset: int = 0,
        device: str = "cpu",
    ) -> "TileMap":
        """The map of mask rules, in closed form; no q_len × k_len tensor is made.

        Args:
            rules: the grammar's text or a :class:`Mask`.
            q_len, k_len: lengths in tokens; k_len defaults to q_len.
            tile: (BQ, BK), as ``plan.tile`` tells it; default: the usual one of the device.
            batch, n_heads: of the attention it is for; they matter for rules given per batch entry.
            q_offset: keys before the first query row, or "end".
            k_offset: keys that a sliding cache has dropped.

        Raises:
            ValueError: rules, lengths or offsets that do not fit, with the library's sentence.
        """
        on = _named(device)
        bound = bind_mask(on, rules_text(rules), None, n_heads)
        if bound is None:
            raise ValueError("rules is empty, expected e.g. 'causal'")
        return cls._build(
            on, bound, batch, n_heads, q_len, q_len if k_len is None else k_len, q_offset, k_offset, tile
        )

    @classmethod
    def from_mask(
        cls,
        mask: Any,
        *,
        rules: Optional[Rules] = None,
        tile: Optional[Tuple[int, int]] = None,
        batch: int = 1,
        n_heads: int = 1,
        q_len: Optional[int] = None,
        q_offset: Union[int, str] = 0,
        k_offset: int = 0,
        device: str = "auto",
    ) -> "TileMap":
        """The map of a mask tensor, by one pass over it.

        Args:
            mask: [q, k] or [1|batch, 1|n_heads, 1|q, k]; float32, float16 or bfloat16 (added to the
                scores; at or below -1e30 is masked) or bool (True attends). It is kept alive, and
                its contents must not change while the map is in use.
            rules: rules that hold as well.
            batch, n_heads: default to the tensor's own sizes.
            q_len: needed only where the mask's query dimension is 1.

        Raises:
            ValueError, TypeError: with what was expected.
        """
        seen = packed_rows(mask, "mask", repeats=True)
        if len(seen.shape) not in (2, 4):
            raise ValueError(f"mask has rank {len(seen.shape)}, expected 2 or 4")
        on = pick_device(device, ("mask", seen))
        if len(seen.shape) == 4:
            batch, n_heads = max(batch, seen.shape[0]), max(n_heads, seen.shape[1])
        bound = bind_mask(on, rules_text(rules), seen, n_heads)
        assert bound is not None
        rows = seen.shape[-2] if q_len is None else q_len
        stream = 0
        if on.backend == "cuda":  # behind whatever writes the tensor
            stream = framework_of(mask, "mask").stream(mask) or LEGACY_STREAM
        return cls._build(
            on, bound, batch, n_heads, rows, seen.shape[-1], q_offset, k_offset, tile, stream
        )

    @classmethod
    def _build(
        cls,
        on: Device,
        bound: BoundMask,
        batch: int,
        n_heads: int,
        q_len: int,
        k_len: int,
        q_offset: Union[int, str],
        k_offset: int,
        tile: Optional[Tuple[int, int]],
        stream: int = 0,
    ) -> "TileMap":
        bq, bk = tile_pair(tile) or usual_tile(on)
        extent = make_extent(
            batch,
            n_heads,
            q_len,
            k_len,
            offset(q_offset, "q_offset"),
            offset(k_offset, "k_offset"),
        )
        return cls(on, bound, TileMapDesc(bound.handle.pointer, extent, Tile(bq, bk)), stream)

    @property
    def tile(self) -> Tuple[int, int]:
        """(BQ, BK): query rows and keys of a tile."""
        return self._info.tile.bq, self._info.tile.bk

    @property
    def shape(self) -> Tuple[int, int, int]:
        """(planes, tiles down, tiles across)."""
        planes = self._info.planes_batch * self._info.planes_head
        return planes, self._info.nq, self._info.nk

    @property
    def counts(self) -> Counts:
        """Tiles of each class, over all planes."""
        counts = TileCounts()
        check(lib.tile_map_count(self._handle.pointer, c.byref(counts)))
        return Counts(counts.skip, counts.mixed, counts.full)

    def numpy(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """A copy of the map as uint8 [planes, tiles down, tiles across]."""
        out = np.empty(self.shape, np.uint8)
        check(lib.tile_map_read(self._handle.pointer, out.ctypes.data, out.nbytes))
        return out

    def picture(
        self, plane: int = 0, width: int = 0, height: int = 0
    ) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """A plane drawn as RGB [height, width, 3]: SKIP grey, MIXED orange, FULL blue. Keys go
        right, queries down. A size of 0 is chosen to fit the map."""
        plane = whole(plane, "plane", 0, U32_MAX)
        width = whole(width, "width", 0, U32_MAX) or min(max(_PICTURE_SIDE, self._info.nk), 2048)
        rows = self._info.nq * self._info.tile.bq / (self._info.nk * self._info.tile.bk)
        height = whole(height, "height", 0, U32_MAX) or min(max(int(width * rows), 1), 4096)
        out = np.empty((height, width, 3), np.uint8)
        check(
            lib.tile_map_draw(
                self._handle.pointer, plane, width, height, out.ctypes.data, out.nbytes
            )
        )
        return out

    def save_png(self, file: Any, plane: int = 0, width: int = 0, height: int = 0) -> None:
        """Writes :meth:`picture` as a PNG file; needs Pillow (``pip install tileskip[png]``)."""
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError("save_png needs Pillow: pip install 'tileskip[png]'") from error
        Image.fromarray(self.picture(plane, width, height)).save(file, format="PNG")

    def _repr_html_(self) -> str:
        """How a notebook shows the map: a picture beside its counts."""
        counts = self.counts
        total = sum(counts)
        rows = "".join(
            f'<tr><td style="background:{colour}">&emsp;</td><td>{name.upper()}</td>'
            f"<td>{n:,}</td><td>{n / total:.1%}</td></tr>"
            for name, n, colour in zip(_NAMES, counts, _COLOURS)
        )
        try:
            held = io.BytesIO()
            self.save_png(held, width=_REPR_SIDE)
            data = base64.b64encode(held.getvalue()).decode()
            picture = f'<img src="data:image/png;base64,{data}" style="image-rendering:pixelated">'
        except ImportError:
            picture = ""
        return (
            f'<div style="display:flex;gap:1em;align-items:center">{picture}<div><table>{rows}'
            f"</table><code>{html.escape(repr(self))}</code></div></div>"
        )

    def __repr__(self) -> str:
        planes, nq, nk = self.shape
        bq, bk = self.tile
        counts = self.counts
        return (
            f"<tileskip.TileMap {planes}×{nq}×{nk} tiles of {bq}×{bk}: "
            f"{counts.skip} skip, {counts.mixed} mixed, {counts.full} full>"
        )


def _named(name: str) -> Device:
    return device("cpu" if name == "auto" else name)


def tile_of(tile_map: Optional[TileMap]) -> Optional[Tuple[int, int]]:
    """The tile of a map that may be given."""
    if tile_map is None:
        return None
    if not isinstance(tile_map, TileMap):
        raise TypeError(f"tile_map is a {type(tile_map).__name__}, expected a TileMap")
    return tile_map.tile
