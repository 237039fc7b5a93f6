# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Hugging Face transformers with tileskip as attention, for inference.

    import tileskip.transformers
    tileskip.transformers.register()
    model = AutoModelForCausalLM.from_pretrained(…, attn_implementation="tileskip")

The model's own mask functions (causal, sliding, chunked, packed, bidirectional blocks, padding)
become mask rules, and no query × key tensor is made. A tile map is built once a forward pass for
each kind of mask and shared by the layers of that kind. Softcap, sinks, windows, padding, caches,
grouped heads, scale and position bias are honoured. A mask function that no rules can say falls
back to a mask tensor, with one warning; under ``torch.compile`` masks are tensors too.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple, cast

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import causal_mask_function, sdpa_mask

from . import torch as _torch
from ._attention import prepare, run_once
from ._transformers_mask import RuleMask, warn_once
from ._transformers_rules import Plane, Unknown, name_of, rules_of

__all__ = ["RuleMask", "attention_forward", "make_mask", "register"]


def register(name: str = "tileskip") -> None:
    """Makes ``attn_implementation=name`` known to transformers. Calling it again does nothing more.

    Thread-safety: changes two tables of transformers for the whole process.
    """
    AttentionInterface.register(name, attention_forward)
    AttentionMaskInterface.register(name, make_mask)


# ---- masks --------------------------------------------------------------------------------------


def make_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: Any = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Any] = causal_mask_function,
    attention_mask: Optional[torch.Tensor] = None,
    allow_is_causal_skip: bool = True,
    use_vmap: bool = False,
    device: Any = "cpu",
    **kwargs: Any,
) -> Optional[torch.Tensor]:
    """What transformers asks a mask of: see ``transformers.masking_utils.sdpa_mask``.

    Returns:
        A :class:`RuleMask`; for a model that is being compiled, or the one query of a static
        cache, which is to be compiled, sdpa's tensor.
    """
    arguments = dict(
        kwargs, batch_size=batch_size, q_length=q_length, kv_length=kv_length, q_offset=q_offset,
        kv_offset=kv_offset, mask_function=mask_function, attention_mask=attention_mask,
        use_vmap=use_vmap, device=device,
    )
    if torch.compiler.is_compiling() or (q_length == 1 and not allow_is_causal_skip):
        made: Optional[torch.Tensor] = sdpa_mask(
            **arguments, allow_is_causal_skip=allow_is_causal_skip
        )
        return made
    arguments.update(allow_is_causal_skip=False, allow_is_bidirectional_skip=False)

    def dense() -> torch.Tensor:
        return cast(torch.Tensor, sdpa_mask(**arguments))

    plane = Plane(batch_size, q_length, kv_length, int(q_offset), int(kv_offset))
    rules, cells = "", None
    try:
        rules, present = rules_of(mask_function, plane, attention_mask)
        if present is not None:
            cells = torch.from_numpy(present)[:, None, None, :].to(device)
    except Unknown as reason:
        warn_once(
            f"tileskip: no rules for the mask function {name_of(mask_function)}: {reason}; a mask"
            " tensor is made instead"
        )
        cells = dense()
    shape = (batch_size, 1, q_length, kv_length)
    return RuleMask(
        shape, torch.device(device), rules, cells, plane.q_offset, plane.k_offset, dense
    )


# ---- attention ----------------------------------------------------------------------------------


class _Seen(NamedTuple):
    """What a layer's queries see: rules and a tensor, and the mask whose maps it shares."""

    rules: str
    tensor: Optional[torch.Tensor]
    q_offset: int = 0
    k_offset: int = 0
    shared: Optional[RuleMask] = None


def _rules_without_mask(
    module: torch.nn.Module, q_len: int, is_causal: Optional[bool], window: Optional[int]
) -> str:
    """A model that made no mask: causal as sdpa takes it, the window as flash attention does."""
    if is_causal is None:
        is_causal = bool(getattr(module, "is_causal", True))
    if q_len > 1 and is_causal:
        return "causal" if window is None else f"causal,window={window}"
    if q_len == 1 or window is None:
        return ""
    return f"symmetric={2 * window - 2}" if window > 1 else "symmetric=1"


def _seen(mask: Optional[torch.Tensor], without: str, q_len: int, k_len: int) -> _Seen:
    if mask is None:
        return _Seen(without, None)
    if not isinstance(mask, RuleMask):
        return _Seen("", mask[..., :k_len].detach())
    if mask.shape[2:] != (q_len, k_len):
        raise ValueError(
            f"attention_mask is for {mask.shape[2]} queries and {mask.shape[3]} keys, expected"
            f" {q_len} and {k_len}"
        )
    return _Seen(mask.rules, mask.cells, mask.q_offset, mask.k_offset, mask)


def _with_bias(seen: _Seen, bias: torch.Tensor, k_len: int) -> _Seen:
    """A position bias belongs to its layer: no map is shared."""
    bias, tensor = bias[..., :k_len].detach(), seen.tensor
    if tensor is not None and tensor.dtype == torch.bool:
        bias = torch.where(tensor, bias, float("-inf"))
    elif tensor is not None:
        bias = tensor + bias
    return seen._replace(tensor=bias, shared=None)


def _check(dropout: float, arguments: Mapping[str, Any]) -> None:
    if dropout:
        raise ValueError(f"dropout is {dropout}, expected 0: tileskip is for inference")
    if arguments.get("block_table") is not None or hasattr(arguments.get("cache"), "block_size"):
        raise ValueError("the cache is paged, expected keys and values in one piece")
    if arguments.get("output_attentions"):
        warn_once("tileskip: output_attentions is ignored, attn_implementation='eager' gives them")


def attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Optional[torch.Tensor],
    dropout: float = 0.0,
    scaling: Optional[float] = None,
    is_causal: Optional[bool] = None,
    sliding_window: Optional[int] = None,
    softcap: Optional[float] = None,
    s_aux: Optional[torch.Tensor] = None,
    position_bias: Optional[torch.Tensor] = None,
    **kwargs: Any,
) -> Tuple[torch.Tensor, None]:
    """What transformers calls in each layer.

    Args:
        query, key, value: [B, H, Lq, D], [B, Hkv, Lk, D], [B, Hkv, Lk, Dv].
        attention_mask: a :class:`RuleMask`, a bool or additive tensor [1|B, 1|H, Lq, ≥ Lk], or None.
        s_aux: sinks, one logit a query head.
        position_bias: [1|B, 1|H, Lq, ≥ Lk], added to the scores.

    Returns:
        ([B, Lq, H, Dv] contiguous, None).

    Raises:
        RuntimeError: a tensor needs a gradient.
        ValueError, TypeError: dropout, paged caches, and what :func:`tileskip.attention` refuses.
    """
    _check(dropout, kwargs)
    _torch._refuse_gradients(query, key, value, s_aux, position_bias)
    if torch.is_autocast_enabled(query.device.type):
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    q_len, k_len = query.shape[2], key.shape[2]
    without = _rules_without_mask(module, q_len, is_causal, sliding_window)
    seen = _seen(attention_mask, without, q_len, k_len)
    if position_bias is not None:
        seen = _with_bias(seen, position_bias, k_len)
    sinks = None if s_aux is None else s_aux.detach().float()
    if torch.compiler.is_compiling():
        out = _torch.attention(
            query, key, value, mask=seen.tensor, rules=seen.rules, scale=scaling,
            softcap=softcap or 0.0, sinks=sinks, q_offset=seen.q_offset, k_offset=seen.k_offset,
        )
        return out.transpose(1, 2).contiguous(), None
    q, k, v = [t.detach().transpose(1, 2) for t in (query, key, value)]
    plan, views = prepare(
        q, k, v, mask=seen.tensor, rules=seen.rules or None, scale=scaling, softcap=softcap,
        sinks=sinks is not None, layout="blhd", q_offset=seen.q_offset, k_offset=seen.k_offset,
    )
    shared = None if seen.shared is None else seen.shared.tile_map(plan.tile)
    return run_once(plan, views, q, sinks=sinks, tile_map=shared), None
