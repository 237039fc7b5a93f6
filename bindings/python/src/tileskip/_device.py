# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Devices, opened once a name and shared by everything in the process."""

from __future__ import annotations

import ctypes as c
import threading
from dataclasses import dataclass
from typing import Any, Dict, List

from ._checks import text_bytes
from ._library import DeviceDesc, DeviceInfo, Handle, check, lib, make


@dataclass(frozen=True)
class DeviceDescription:
    """One line of :func:`devices`."""

    name: str
    description: str
    backend: str
    isa: str
    threads: int
    compute_units: int
    memory: int
    computes: bool
    available: bool


class Device:
    """An open device. Thread-safety: may be used by any number of threads at once."""

    def __init__(self, name: str) -> None:
        desc = DeviceDesc(name=text_bytes(name, "device"))
        self.handle: Handle = make(lib.device_open, lib.device_destroy, c.byref(desc))
        info: DeviceInfo = lib.device_get_info(self.handle.pointer).contents
        self.name: str = info.name.decode()
        self.backend: str = info.backend.decode()

    @property
    def pointer(self) -> c.c_void_p:
        return self.handle.pointer


_open: Dict[str, Device] = {}
_lock = threading.Lock()


def device(name: str) -> Device:
    """The device of that name, opened at its first use."""
    found = _open.get(name)
    if found is not None:
        return found
    with _lock:
        if name not in _open:
            _open[name] = Device(name)
        return _open[name]


def describe(info: Any) -> DeviceDescription:
    return DeviceDescription(
        name=info.name.decode(),
        description=info.description.decode(),
        backend=info.backend.decode(),
        isa=info.isa.decode(),
        threads=info.threads,
        compute_units=info.compute_units,
        memory=info.memory,
        computes=info.computes,
        available=info.available,
    )


def devices() -> List[DeviceDescription]:
    """What attention can run on here, unusable devices included (``description`` then says why)."""
    count = c.c_size_t()
    check(lib.device_list(None, 0, c.byref(count)))
    infos = (DeviceInfo * max(count.value, 1))()
    check(lib.device_list(infos, len(infos), c.byref(count)))
    return [describe(infos[i]) for i in range(min(count.value, len(infos)))]
