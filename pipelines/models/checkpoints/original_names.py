"""The names that transformers have in their authors' code, each with diffusers' names for its rows.

A matrix of the originals often holds several of diffusers': queries, keys and values are rows of one. So a whole weight
is split here, and the up half of a LoRA (arXiv:2106.09685), whose rows are the same, by the very same table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = re.compile(r"(\w*?blocks)[._](\d+)[._](.+)")
KINDS = {"weight": "weight", "bias": "bias", "scale": "weight"}


@dataclass(frozen=True)
class Names:
    """Modules' names with {} for the block's number -> diffusers' names of their rows, from top to bottom.

    shares  -- how many rows each has in proportion, where they have not the same number
    swapped -- modules that say shift, then scale, which diffusers has the other way round; with {} the last block's
    unused  -- what diffusers does without
    """

    rows: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, tuple[int, ...]]
    swapped: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def diffusers_layout(self, tensors: Mapping[str, Tensor], blocks: int | None = None) -> dict[str, Tensor]:
        """The tensors under diffusers' names; `blocks` is how many the model has, where these are not all its tensors.

        Raises KeyError for a name that is not known and RuntimeError for rows that do not go up.
        """
        places = {name: _place(name) for name in tensors if name not in self.unused}
        last = max((number for _, number, _ in places.values()), default=0) if blocks is None else blocks - 1
        made: dict[str, Tensor] = {}
        for name, (module, number, kind) in places.items():
            tensor, ours = tensors[name], self.rows[module]
            if module in self.swapped and ("{}" not in module or number == last):
                tensor = torch.cat(tuple(reversed(tensor.chunk(2))))
            shares = self.shares.get(module, (1,) * len(ours))
            unit = tensor.shape[0] // sum(shares)
            parts = tensor.split([unit * share for share in shares]) if len(ours) > 1 else (tensor,)
            ending = f".{KINDS[kind]}" if kind else ""
            made |= {to.format(number) + ending: part for to, part in zip(ours, parts, strict=True)}
        return made

    def find(self, name: str) -> str | None:
        """The module of that name, which may have underscores for its dots; None where there is none."""
        block = BLOCK.fullmatch(name)
        plain = f"{block[1]}_{{}}_{block[3]}" if block else name
        found = next((module for module in self.rows if module.replace(".", "_") == plain.replace(".", "_")), None)
        return found.format(block[2]) if found and block else found

    def parts(self, name: str) -> tuple[str, ...]:
        """diffusers' names of the modules that have the rows of a module of that name."""
        module, number, _ = _place(name)
        return tuple(ours.format(number) for ours in self.rows[module])


def _place(name: str) -> tuple[str, int, str]:
    """A module's name without its block's number, that number (-1 outside of blocks), and "weight", "bias" or ""."""
    module, _, kind = name.rpartition(".")
    module, kind = (module, kind) if kind in KINDS else (name, "")
    block = BLOCK.fullmatch(module)
    return (f"{block[1]}.{{}}.{block[3]}", int(block[2]), kind) if block else (module, -1, kind)


def _inside(theirs: str, ours: str, modules: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """A block's modules, each with its one name of diffusers', or with several."""
    return {
        f"{theirs}.{{}}.{module}": tuple(f"{ours}.{{}}.{name}" for name in names.split())
        for module, names in modules.items()
    }


def _outside(modules: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {module: (name,) for module, name in modules.items()}


def _two_layers(embedders: Mapping[str, str], first: str, second: str) -> dict[str, tuple[str, ...]]:
    """Small networks of two linear layers, which everybody names in his own way."""
    return _outside(
        {
            f"{theirs}.{layer}": f"{ours}.linear_{i}"
            for theirs, ours in embedders.items()
            for i, layer in ((1, first), (2, second))
        }
    )


FLUX = Names(
    _outside(
        {
            "txt_in": "context_embedder",
            "img_in": "x_embedder",
            "final_layer.linear": "proj_out",
            "final_layer.adaLN_modulation.1": "norm_out.linear",
        }
    )
    | _two_layers(
        {
            "time_in": "time_text_embed.timestep_embedder",
            "vector_in": "time_text_embed.text_embedder",
            "guidance_in": "time_text_embed.guidance_embedder",
        },
        "in_layer",
        "out_layer",
    )
    | _inside(
        "double_blocks",
        "transformer_blocks",
        {
            "img_mod.lin": "norm1.linear",
            "txt_mod.lin": "norm1_context.linear",
            "img_attn.qkv": "attn.to_q attn.to_k attn.to_v",
            "txt_attn.qkv": "attn.add_q_proj attn.add_k_proj attn.add_v_proj",
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
        },
    )
    | _inside(
        "single_blocks",
        "single_transformer_blocks",
        {
            "modulation.lin": "norm.linear",
            "linear1": "attn.to_q attn.to_k attn.to_v proj_mlp",
            "linear2": "proj_out",
            "norm.query_norm": "attn.norm_q",
            "norm.key_norm": "attn.norm_k",
        },
    ),
    shares={"single_blocks.{}.linear1": (1, 1, 1, 4)},  # its MLP is four times as wide as the network
    swapped=("final_layer.adaLN_modulation.1",),
)

SD3 = Names(
    _outside(
        {
            "pos_embed": "pos_embed.pos_embed",
            "x_embedder.proj": "pos_embed.proj",
            "context_embedder": "context_embedder",
            "final_layer.linear": "proj_out",
            "final_layer.adaLN_modulation.1": "norm_out.linear",
        }
    )
    | _two_layers(
        {"t_embedder": "time_text_embed.timestep_embedder", "y_embedder": "time_text_embed.text_embedder"},
        "mlp.0",
        "mlp.2",
    )
    | _inside(
        "joint_blocks",
        "transformer_blocks",
        {
            "x_block.adaLN_modulation.1": "norm1.linear",
            "x_block.attn.qkv": "attn.to_q attn.to_k attn.to_v",
            "x_block.attn.ln_q": "attn.norm_q",
            "x_block.attn.ln_k": "attn.norm_k",
            "x_block.attn.proj": "attn.to_out.0",
            "x_block.attn2.qkv": "attn2.to_q attn2.to_k attn2.to_v",
            "x_block.attn2.ln_q": "attn2.norm_q",
            "x_block.attn2.ln_k": "attn2.norm_k",
            "x_block.attn2.proj": "attn2.to_out.0",
            "x_block.mlp.fc1": "ff.net.0.proj",
            "x_block.mlp.fc2": "ff.net.2",
            "context_block.adaLN_modulation.1": "norm1_context.linear",
            "context_block.attn.qkv": "attn.add_q_proj attn.add_k_proj attn.add_v_proj",
            "context_block.attn.ln_q": "attn.norm_added_q",
            "context_block.attn.ln_k": "attn.norm_added_k",
            "context_block.attn.proj": "attn.to_add_out",
            "context_block.mlp.fc1": "ff_context.net.0.proj",
            "context_block.mlp.fc2": "ff_context.net.2",
        },
    ),
    shares={},
    swapped=("final_layer.adaLN_modulation.1", "joint_blocks.{}.context_block.adaLN_modulation.1"),
)

PIXART = Names(
    _outside(
        {
            "x_embedder.proj": "pos_embed.proj",
            "y_embedder.y_proj.fc1": "caption_projection.linear_1",
            "y_embedder.y_proj.fc2": "caption_projection.linear_2",
            "t_block.1": "adaln_single.linear",
            "final_layer.linear": "proj_out",
            "final_layer.scale_shift_table": "scale_shift_table",
        }
    )
    | _two_layers(
        {
            "t_embedder": "adaln_single.emb.timestep_embedder",
            "csize_embedder": "adaln_single.emb.resolution_embedder",
            "ar_embedder": "adaln_single.emb.aspect_ratio_embedder",
        },
        "mlp.0",
        "mlp.2",
    )
    | _inside(
        "blocks",
        "transformer_blocks",
        {
            "scale_shift_table": "scale_shift_table",
            "attn.qkv": "attn1.to_q attn1.to_k attn1.to_v",
            "attn.proj": "attn1.to_out.0",
            "cross_attn.q_linear": "attn2.to_q",
            "cross_attn.kv_linear": "attn2.to_k attn2.to_v",
            "cross_attn.proj": "attn2.to_out.0",
            "mlp.fc1": "ff.net.0.proj",
            "mlp.fc2": "ff.net.2",
        },
    ),
    shares={},
    unused=("pos_embed", "y_embedder.y_embedding"),  # computed from the size; said of an empty caption in training
)

ORIGINALS = {"flux": FLUX, "sd3": SD3, "pixart": PIXART}
