"""The names inside LoRA files: diffusers', kohya's and A1111's, each to the part and the module that it changes.

unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight           diffusers
down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight   older diffusers
lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight   kohya
lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.lora_down.weight             the same, SDXL's own names
lora_te1_text_model_encoder_layers_0_self_attn_q_proj.alpha                             kohya, first text encoder
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

DOWN, UP, ALPHA = "down", "up", "alpha"
ENDINGS = {
    ".lora_down.weight": DOWN,
    ".lora_up.weight": UP,
    ".lora_A.weight": DOWN,
    ".lora_B.weight": UP,
    ".lora_linear_layer.down.weight": DOWN,
    ".lora_linear_layer.up.weight": UP,
    ".lora.down.weight": DOWN,
    ".lora.up.weight": UP,
    "_lora.down.weight": DOWN,
    "_lora.up.weight": UP,
    ".alpha": ALPHA,
}
OTHER_KINDS = {
    "hada_": "a LoHa",
    "lokr_": "a LoKr",
    "oft_": "an OFT",
    "dora_scale": "a DoRA",
    "lora_magnitude_vector": "a DoRA",
    "lora_mid": "a LoCon in Tucker form",
    "ia3": "an IA3",
    ".diff": "a difference of whole weights",
}
PREFIXES = {
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "unet.": "unet",
    "transformer.": "transformer",
    "text_encoder.": "text_encoder",
    "text_encoder_2.": "text_encoder_2",
}
NETWORK_PREFIXES = ("lora_unet_", "base_model.model.", "")


def split(key: str) -> tuple[str, str] | None:
    """What a key names and which half of it this is; None where it is no key of a LoRA."""
    for ending, role in ENDINGS.items():
        if key.endswith(ending):
            return key.removesuffix(ending), role
    return None


def other_kind(keys: Iterator[str]) -> str:
    """What else the file is, in words; "" where that is not known."""
    return next((label for key in keys for mark, label in OTHER_KINDS.items() if mark in key), "")


class Places:
    """Where the names of LoRA files lead in one model: to a part and to the path of a module in it."""

    def __init__(self, parts: dict[str, Any], network: str) -> None:
        self._network = network
        self.modules = {
            (part, path): module
            for part, whole in parts.items()
            for path, module in whole.named_modules()
            if isinstance(module, nn.Linear | nn.Conv2d)
        }
        self._paths = {(part, name): path for part, path in self.modules for name in _names(path)}
        if network == "unet":
            theirs = dict(original_names(parts["unet"]))
            for part, path in [place for place in self.modules if place[0] == "unet"]:
                name = _renamed(path, theirs)
                self._paths.setdefault((part, name.replace(".", "_")), path)

    def find(self, name: str) -> tuple[str, str] | None:
        """(part, path) of the module that a file names; None where the model has no such module."""
        for prefix, part in PREFIXES.items():
            if name.startswith(prefix):
                return self._find(part, name.removeprefix(prefix))
        prefix = next(prefix for prefix in NETWORK_PREFIXES if name.startswith(prefix))
        return self._find(self._network, name.removeprefix(prefix))

    def _find(self, part: str, name: str) -> tuple[str, str] | None:
        plain = name.replace(".processor.", ".").removeprefix("text_model.").removeprefix("text_model_")
        for candidate in (plain, f"{plain}.0"):  # older files say to_out for to_out.0
            if (part, candidate) in self._paths:
                return part, self._paths[part, candidate]
        return None


def _names(path: str) -> tuple[str, str]:
    """A module's path with dots and with underscores. Some text encoders have an outer text_model, some have not."""
    plain = path.removeprefix("text_model.")
    return plain, plain.replace(".", "_")


def _renamed(path: str, theirs: dict[str, str]) -> str:
    start = max((ours for ours in theirs if path == ours or path.startswith(f"{ours}.")), key=len, default="")
    return theirs[start] + path.removeprefix(start) if start else path


RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def original_names(unet: Any) -> Iterator[tuple[str, str]]:
    """diffusers' names of a UNet's modules, each with the one in Stability's own code."""
    yield from {
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
    }.items()
    number = 1
    for i, block in enumerate(unet.down_blocks):
        for j in range(len(block.resnets)):
            yield from _resnet(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{number}.0")
            yield f"down_blocks.{i}.attentions.{j}", f"input_blocks.{number}.1"
            number += 1
        if block.downsamplers:
            yield f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
            number += 1
    yield from _resnet("mid_block.resnets.0", "middle_block.0")
    yield "mid_block.attentions.0", "middle_block.1"
    yield from _resnet("mid_block.resnets.1", "middle_block.2")
    number = 0
    for i, block in enumerate(unet.up_blocks):
        attends = bool(getattr(block, "attentions", None))
        for j in range(len(block.resnets)):
            yield from _resnet(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{number}.0")
            yield f"up_blocks.{i}.attentions.{j}", f"output_blocks.{number}.1"
            number += 1
        yield f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks.{number - 1}.{2 if attends else 1}.conv"


def _resnet(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    for name, original in RESNET.items():
        yield f"{ours}.{name}", f"{theirs}.{original}"
