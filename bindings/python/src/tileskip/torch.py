# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""``torch.nn.functional.scaled_dot_product_attention`` with tileskip behind it, for inference.

The work is a custom operator with a fake implementation, so ``torch.compile(fullgraph=True)`` and
``torch.export`` keep it as one node.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, List, Optional

import torch

from ._attention import attention as _attention

__all__ = ["attention", "patch", "scaled_dot_product_attention"]


@torch.library.custom_op("tileskip::attention", mutates_args=())
def _operator(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Optional[torch.Tensor],
    rules: str,
    scale: float,
    softcap: float,
    sinks: Optional[torch.Tensor],
    q_offset: int,
    k_offset: int,
) -> torch.Tensor:
    q, k, v = query.detach(), key.detach(), value.detach()
    result: torch.Tensor = _attention(
        q,
        k,
        v,
        mask=None if mask is None else mask.detach(),
        rules=rules or None,
        scale=scale,
        softcap=softcap or None,
        sinks=None if sinks is None else sinks.detach(),
        q_offset=q_offset,
        k_offset=k_offset,
    )
    return result


@_operator.register_fake
def _(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Optional[torch.Tensor],
    rules: str,
    scale: float,
    softcap: float,
    sinks: Optional[torch.Tensor],
    q_offset: int,
    k_offset: int,
) -> torch.Tensor:
    return query.new_empty((*query.shape[:3], value.shape[3]))


def _refuse_gradients(*tensors: Optional[torch.Tensor]) -> None:
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
        raise RuntimeError(
            "tileskip computes no gradients: call it under torch.no_grad() or"
            " torch.inference_mode(), or with tensors that need none"
        )


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    mask: Optional[torch.Tensor] = None,
    rules: Any = None,
    scale: Optional[float] = None,
    softcap: float = 0.0,
    sinks: Optional[torch.Tensor] = None,
    q_offset: int = 0,
    k_offset: int = 0,
) -> torch.Tensor:
    """:func:`tileskip.attention` as one operator of a compiled graph; [B, H, L, D] tensors.

    Raises:
        RuntimeError: a tensor needs a gradient.
        ValueError, TypeError: as :func:`tileskip.attention`.
    """
    _refuse_gradients(query, key, value, mask, sinks)
    usual = query.shape[-1] ** -0.5 if scale is None else scale
    result: torch.Tensor = _operator(
        query, key, value, mask, str(rules or ""), usual, softcap, sinks, q_offset, k_offset
    )
    return result


def _four(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """[..., L, D] as [B, H, L, D]."""
    if tensor.dim() < 2:
        raise ValueError(f"{name} has {tensor.dim()} dimensions, expected at least 2")
    while tensor.dim() < 4:
        tensor = tensor.unsqueeze(0)
    return tensor if tensor.dim() == 4 else tensor.flatten(0, -4)


def _mask_of_four(mask: torch.Tensor, lead: List[int], k_len: int) -> torch.Tensor:
    """A mask that broadcasts to [..., Lq, Lk] as [1|B, 1|H, 1|Lq, Lk]."""
    if mask.dim() < 2:
        mask = mask.reshape((1,) * (2 - mask.dim()) + tuple(mask.shape))
    if mask.shape[-1] == 1 and k_len > 1:
        mask = mask.expand(*mask.shape[:-1], k_len).contiguous()
    if mask.dim() > 4:
        mask = mask.expand(*lead[:-1], *mask.shape[-3:])
    return _four(mask, "attn_mask")


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: Optional[torch.Tensor] = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Optional[float] = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """PyTorch's function of that name: same arguments, same meaning.

    ``is_causal`` aligns the first query with the first key, as PyTorch's does. float32, float16 and
    bfloat16.

    Raises:
        RuntimeError: a tensor needs a gradient.
        ValueError: dropout, or what does not fit, named with what was expected.
    """
    if dropout_p:
        raise ValueError(f"dropout_p is {dropout_p}, expected 0: tileskip is for inference")
    if is_causal and attn_mask is not None:
        raise ValueError("attn_mask and is_causal are both given, expected one of them")
    if query.dim() >= 3 and query.shape[-3] != key.shape[-3] and not enable_gqa:
        raise ValueError(
            f"query has {query.shape[-3]} heads and key {key.shape[-3]}, expected equal numbers"
            " or enable_gqa=True"
        )
    lead, k_len = list(query.shape[:-2]), key.shape[-2]
    out = attention(
        _four(query, "query"),
        _four(key, "key"),
        _four(value, "value"),
        mask=None if attn_mask is None else _mask_of_four(attn_mask, lead, k_len),
        rules="causal" if is_causal else None,
        scale=scale,
    )
    return out.reshape(*lead, *out.shape[-2:])


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """While it is entered, ``torch.nn.functional.scaled_dot_product_attention`` is this module's.

    Thread-safety: changes the function for the whole process; enter it from one thread at a time.
    """
    before = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = scaled_dot_product_attention
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = before
