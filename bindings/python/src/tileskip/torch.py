# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""``torch.nn.functional.scaled_dot_product_attention`` with tileskip behind it, for inference.

The work is a custom operator with a fake implementation, so ``torch.compile(fullgraph=True)`` and
``torch.export`` keep it as one node.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator, Optional, Tuple, Union

import torch

from ._attention import attention as _attention
from ._frameworks import NO_GRADIENTS, has_tangent
from ._masking import Rules, rules_text

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


def _no_backward(context: Any, *gradients: Any) -> Any:
    raise RuntimeError(NO_GRADIENTS)


_operator.register_autograd(_no_backward)


def _refuse_gradients(*tensors: Optional[torch.Tensor]) -> None:
    given = [t for t in tensors if t is not None]
    if torch.is_grad_enabled() and any(t.requires_grad for t in given):
        raise RuntimeError(NO_GRADIENTS)
    if not torch.compiler.is_compiling() and any(has_tangent(t) for t in given):
        raise RuntimeError(NO_GRADIENTS)


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    mask: Optional[torch.Tensor] = None,
    rules: Optional[Rules] = None,
    scale: Optional[float] = None,
    softcap: Optional[float] = None,
    sinks: Optional[torch.Tensor] = None,
    q_offset: Union[int, str] = 0,
    k_offset: int = 0,
) -> torch.Tensor:
    """:func:`tileskip.attention` as one operator of a compiled graph; [B, H, L, D] tensors, the
    arguments as there. On a GPU it is computed on the current stream.

    Raises:
        RuntimeError: a tensor needs a gradient.
        ValueError, TypeError: as :func:`tileskip.attention`.
    """
    _refuse_gradients(query, key, value, mask, sinks)
    if isinstance(q_offset, str):
        if q_offset != "end":
            raise ValueError(f'q_offset is {q_offset!r}, expected "end" or a number of at least 0')
        q_offset = k_offset + key.shape[-2] - query.shape[-2]
    result: torch.Tensor = _operator(
        query,
        key,
        value,
        mask,
        rules_text(rules) or "",
        query.shape[-1] ** -0.5 if scale is None else scale,
        softcap or 0.0,
        sinks,
        q_offset,
        k_offset,
    )
    return result


def _same_lead(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, heads_differ: bool
) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Leading dimensions broadcast against each other; the head's own too unless they may differ."""
    own = 3 if heads_differ else 2
    tensors = (query, key, value)
    broadcast: Callable[..., Tuple[int, ...]] = torch.broadcast_shapes
    lead = broadcast(*[t.shape[:-own] for t in tensors])
    q, k, v = (t.expand(*lead, *t.shape[-own:]) for t in tensors)
    return q, k, v


def _four(tensor: torch.Tensor) -> torch.Tensor:
    """[..., L, D] as [B, H, L, D]."""
    while tensor.dim() < 4:
        tensor = tensor.unsqueeze(0)
    return tensor if tensor.dim() == 4 else tensor.flatten(0, -4)


def _mask_of_four(mask: torch.Tensor, lead: Tuple[int, ...], k_len: int) -> torch.Tensor:
    """A mask that broadcasts to [..., Lq, Lk] as [1|B, 1|H, 1|Lq, Lk]."""
    if mask.dim() < 2:
        mask = mask.reshape((1,) * (2 - mask.dim()) + tuple(mask.shape))
    if mask.shape[-1] == 1 and k_len > 1:
        mask = mask.expand(*mask.shape[:-1], k_len).contiguous()
    if len(lead) > 2 and any(n != 1 for n in mask.shape[:-3]):
        mask = mask.expand(*lead[:-1], *mask.shape[-3:])
    return _four(mask)


def _check(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout_p: float,
    enable_gqa: bool,
) -> None:
    if dropout_p:
        raise ValueError(f"dropout_p is {dropout_p}, expected 0: tileskip is for inference")
    least = 3 if enable_gqa else 2
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() < least:
            raise ValueError(f"{name} has {tensor.dim()} dimensions, expected at least {least}")
    if query.dim() < 3 or key.dim() < 3:
        return
    heads, kv_heads = query.shape[-3], key.shape[-3]
    if heads != kv_heads and 1 not in (heads, kv_heads) and not enable_gqa:
        raise ValueError(
            f"query has {heads} heads and key {kv_heads}, expected equal numbers"
            " or enable_gqa=True"
        )


def _as_autocast(*tensors: torch.Tensor) -> Tuple[torch.Tensor, ...]:
    """In the type that autocast asks of PyTorch's own function, where it is on."""
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return tensors
    return tuple(t.to(torch.get_autocast_dtype(kind)) for t in tensors)


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

    Args:
        query, key, value: [..., Lq, D], [..., Lk, D], [..., Lk, Dv]; float32, float16 or bfloat16.
            Leading dimensions broadcast.
        attn_mask: bool (True attends) or added to the scores; broadcasts to [..., Lq, Lk].
        dropout_p: 0.
        is_causal: the first query is aligned with the first key. Beside a mask, both hold.
        scale: default 1/sqrt(D).
        enable_gqa: key and value may have fewer heads, a divisor of the query's.

    A row that sees no key is 0. Without queries or keys the result is empty or 0.

    Raises:
        RuntimeError: a tensor needs a gradient.
        ValueError, TypeError: dropout, or what does not fit, named with what was expected.
    """
    query, key, value = _as_autocast(query, key, value)
    _check(query, key, value, dropout_p, enable_gqa)
    query, key, value = _same_lead(query, key, value, enable_gqa)
    lead, k_len = tuple(query.shape[:-2]), key.shape[-2]
    if k_len == 0 or 0 in lead or query.shape[-2] == 0:
        return query.new_zeros((*query.shape[:-1], value.shape[-1]))
    if scale == 0:  # which is "the usual one" to the library
        query, scale = torch.zeros_like(query), None
    out = attention(
        _four(query),
        _four(key),
        _four(value),
        mask=None if attn_mask is None else _mask_of_four(attn_mask, lead, k_len),
        rules="causal" if is_causal else None,
        scale=scale,
    )
    return out.reshape(*lead, *out.shape[-2:])


@contextlib.contextmanager
def patch() -> Iterator[None]:
    """While it is entered, ``torch.nn.functional.scaled_dot_product_attention`` is this module's.

    Callers that imported the function by name keep PyTorch's. Thread-safety: changes the function
    for the whole process; enter it from one thread at a time.
    """
    before = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = scaled_dot_product_attention
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = before
