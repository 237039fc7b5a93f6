# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What one call of a plan needs for itself while it is in flight."""

from __future__ import annotations

import ctypes as c
from typing import Optional

from ._device import Device
from ._library import AttentionTensors, EncoderDesc, Handle, check, lib, make
from ._masking import import_buffer
from ._tile_map import TileMap


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


class Execution:
    """An encoder, a workspace and buffers, for one call at a time."""

    def __init__(self, on: Device, stream: int) -> None:
        desc = EncoderDesc(native_stream=stream or None)
        self.stream = stream
        self.in_flight = False
        # Destroyed first, and that waits: nothing below is freed under running commands.
        self.encoder = make(
            lib.encoder_create, lib.encoder_destroy, on.pointer, c.byref(desc)
        )
        self.tensors = AttentionTensors()
        self.reference = c.byref(self.tensors)
        self.buffers = [_Imported() for _ in range(6)]
        self.workspace: Optional[Handle] = None
        self.tile_map: Optional[TileMap] = None

    def use_workspace(self, workspace: Handle) -> None:
        self.workspace = workspace
        self.tensors.workspace.buffer = workspace.pointer

    def finish(self) -> None:
        """Waits for what was submitted and makes the encoder writable again."""
        check(lib.encoder_wait(self.encoder.pointer))
        check(lib.encoder_reset(self.encoder.pointer))
        self.in_flight = False
