# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""A mask that looks like a [B, 1, q, k] bool tensor to a model and holds rules instead."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

import torch
from torch.utils._pytree import tree_map

from ._tile_map import TileMap


@functools.lru_cache(maxsize=None)
def warn_once(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)


def device_name(device: torch.device) -> str:
    """The library's name of a torch device."""
    if device.type == "cpu":
        return "cpu"
    return f"{device.type}:{device.index or 0}"


class RuleMask(torch.Tensor):
    """Rules, and beside them a bool tensor only where rules cannot say which keys there are.

    Models hand it from layer to layer; some cut query rows off it or move it to another device,
    which it does without a tensor. Any other operation makes the bool tensor that ``sdpa`` would
    have been given, with one warning. Thread-safety: as a tensor's.
    """

    rules: str
    cells: Optional[torch.Tensor]
    q_offset: int
    k_offset: int
    _make: Callable[[], torch.Tensor]
    _maps: Dict[Tuple[Tuple[int, int], str], TileMap]

    @staticmethod
    def __new__(
        cls,
        shape: Tuple[int, int, int, int],
        device: torch.device,
        rules: str,
        cells: Optional[torch.Tensor],
        q_offset: int,
        k_offset: int,
        make: Callable[[], torch.Tensor],
    ) -> "RuleMask":
        """
        Args:
            shape: (batch, 1, queries, keys).
            rules: the grammar's text; "" for none.
            cells: bool [batch, 1, 1|queries, keys] that must hold as well.
            q_offset, k_offset: as for :func:`tileskip.attention`.
            make: the whole mask as a bool tensor of that shape.
        """
        self: "RuleMask" = torch.Tensor._make_wrapper_subclass(
            cls, shape, dtype=torch.bool, device=device
        )
        self.rules, self.cells = rules, cells
        self.q_offset, self.k_offset = q_offset, k_offset
        self._make, self._maps = make, {}
        return self

    __torch_function__: Any = torch._C._disabled_torch_function_impl

    def dense(self) -> torch.Tensor:
        """The mask as a bool tensor [batch, 1, queries, keys], True where a key is seen."""
        return self._make()

    def tile_map(self, tile: Tuple[int, int]) -> Optional[TileMap]:
        """The map for plans of that tile, built at its first use; None where nothing is masked."""
        batch, _, q_len, k_len = self.shape
        key = (tile, device_name(self.device))
        if key not in self._maps and self.cells is not None:
            self._maps[key] = TileMap.from_mask(
                self.cells, rules=self.rules or None, tile=tile, batch=batch, q_len=q_len,
                q_offset=self.q_offset, k_offset=self.k_offset,
            )
        elif key not in self._maps and self.rules:
            self._maps[key] = TileMap.from_rules(
                self.rules, q_len, k_len, tile=tile, batch=batch, q_offset=self.q_offset,
                k_offset=self.k_offset, device=key[1],
            )
        return self._maps.get(key)

    def _again(self) -> "RuleMask":
        """The same mask as another tensor, as operations must return; its maps are shared."""
        again = self._with_rows(0, self.shape[2])
        again._maps = self._maps
        return again

    def _with_rows(self, start: int, end: int) -> "RuleMask":
        batch, heads, _, k_len = self.shape
        cells = self.cells
        if cells is not None and cells.shape[2] > 1:
            cells = cells[:, :, start:end]
        return RuleMask(
            (batch, heads, end - start, k_len), self.device, self.rules, cells,
            self.q_offset + start, self.k_offset, lambda: self.dense()[:, :, start:end],
        )

    def _on(self, device: torch.device) -> "RuleMask":
        batch, heads, q_len, k_len = self.shape
        return RuleMask(
            (batch, heads, q_len, k_len), device, self.rules,
            None if self.cells is None else self.cells.to(device), self.q_offset, self.k_offset,
            lambda: self.dense().to(device),
        )

    def __repr__(self) -> str:
        cells = "" if self.cells is None else f" and cells {tuple(self.cells.shape)}"
        return (
            f"<tileskip.transformers.RuleMask {tuple(self.shape)} {self.rules or 'no rules'}{cells},"
            f" q_offset {self.q_offset}, k_offset {self.k_offset}>"
        )

    @classmethod
    def __torch_dispatch__(
        cls,
        function: Any,
        types: Tuple[Any, ...],
        args: Tuple[Any, ...] = (),
        kwargs: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        kwargs = kwargs or {}
        done = _without_tensor(function, args, kwargs)
        if done is not None:
            return done
        warn_once(f"tileskip: {function} needs the mask as a tensor, which was made")

        def opened(value: Any) -> Any:
            return value.dense() if isinstance(value, RuleMask) else value

        return function(*tree_map(opened, args), **tree_map(opened, dict(kwargs)))


def _without_tensor(
    function: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Optional[RuleMask]:
    """What the operation makes of a RuleMask, if that can be said in rules."""
    aten, mask = torch.ops.aten, args[0] if args else None
    if not isinstance(mask, RuleMask):
        return None
    size = tuple(mask.shape)
    if function in (aten.detach.default, aten.alias.default, aten.clone.default):
        return mask._again()
    if function is aten._to_copy.default and kwargs.get("dtype") in (None, torch.bool):
        device = torch.device(kwargs.get("device") or mask.device)
        same = device_name(device) == device_name(mask.device)
        return mask._again() if same else mask._on(device)
    if function is aten.slice.Tensor:
        cut = list(args[1:]) + [0, None, None, 1][len(args) - 1 :]
        dim = cut[0]
        start, end, step = slice(*cut[1:]).indices(size[dim])
        if step == 1 and (start, end) == (0, size[dim]):
            return mask._again()
        if step == 1 and dim % 4 == 2 and start < end:
            return mask._with_rows(start, end)
    return None
