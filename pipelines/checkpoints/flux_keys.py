"""FLUX's own names for its tensors, in diffusers' words. diffusers' converter knows only the full width of 3072."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

OUTER = {
    "time_in": "time_text_embed.timestep_embedder",
    "vector_in": "time_text_embed.text_embedder",
    "guidance_in": "time_text_embed.guidance_embedder",
}
LAYERS = {"in_layer": "linear_1", "out_layer": "linear_2"}
ALONE = {"txt_in": "context_embedder", "img_in": "x_embedder", "final_layer.linear": "proj_out"}
DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
}
SINGLE = {
    "modulation.lin": "norm.linear",
    "linear2": "proj_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
QKV = {"img_attn.qkv": ("to_q", "to_k", "to_v"), "txt_attn.qkv": ("add_q_proj", "add_k_proj", "add_v_proj")}
MODULATION = "final_layer.adaLN_modulation.1"
BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\.(.+)\.(weight|bias|scale)")


def diffusers_layout(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors under diffusers' names. Raises KeyError for a name that FLUX does not have."""
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if block := BLOCK.fullmatch(name):
            sort, number, module, kind = block.groups()
            made |= _in_block(sort, number, module, kind, tensor)
        else:
            module, _, kind = name.rpartition(".")
            made[f"{_outside(module)}.{kind}"] = _swapped(tensor) if module == MODULATION else tensor
    return made


def _in_block(sort: str, number: str, module: str, kind: str, tensor: Tensor) -> dict[str, Tensor]:
    kind = "weight" if kind == "scale" else kind
    start = f"{'' if sort == 'double' else 'single_'}transformer_blocks.{number}"
    if sort == "double" and module in QKV:
        return {f"{start}.attn.{to}.{kind}": part for to, part in zip(QKV[module], tensor.chunk(3), strict=True)}
    if sort == "single" and module == "linear1":  # q, k, v, each as wide as the network, and the MLP four times as wide
        q, k, v, mlp = torch.tensor_split(tensor, [len(tensor) // 7 * i for i in (1, 2, 3)])
        return {f"{start}.attn.to_{to}.{kind}": part for to, part in zip("qkv", (q, k, v), strict=True)} | {
            f"{start}.proj_mlp.{kind}": mlp
        }
    return {f"{start}.{(DOUBLE if sort == 'double' else SINGLE)[module]}.{kind}": tensor}


def _outside(module: str) -> str:
    if module == MODULATION:
        return "norm_out.linear"
    outer, _, layer = module.partition(".")
    return f"{OUTER[outer]}.{LAYERS[layer]}" if outer in OUTER else ALONE[module]


def _swapped(tensor: Tensor) -> Tensor:
    """shift, scale -> scale, shift."""
    shift, scale = tensor.chunk(2)
    return torch.cat([scale, shift])
