"""The names inside LoRA files: diffusers', kohya's, A1111's and ComfyUI's, each to the modules that it changes.

unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight           diffusers
down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight   older diffusers
lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight   kohya
lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.lora_down.weight             the same, SDXL's own names
lora_te1_text_model_encoder_layers_0_self_attn_q_proj.alpha                             kohya, first text encoder
lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight                                 kohya, FLUX's own names
diffusion_model.joint_blocks.0.x_block.attn.qkv.lora_A.weight                           ComfyUI, SD3's own names
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.diffusion.addons.lora_terms import norms
from pipelines.models.checkpoints.original_names import ORIGINALS

DOWN, UP, MID, ALPHA, SCALE, UP_BIAS = "down", "up", "mid", "alpha", "scale", "up_bias"
DORA, MAGNITUDE = "dora_scale", "magnitude"
LYCORIS = (
    *(f"hada_{name}" for name in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    *(f"lokr_{name}" for name in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")),
    *("dora_scale", "diff", "diff_b", "w_norm", "b_norm", "oft_blocks", "oft_diag", "rescale", "on_input"),
)
ENDINGS = {
    ".lora_down.weight": DOWN,
    ".lora_up.weight": UP,
    ".lora_mid.weight": MID,
    ".lora_up.bias": UP_BIAS,
    ".lora_A.weight": DOWN,
    ".lora_B.weight": UP,
    ".lora_B.bias": UP_BIAS,
    ".lora_A.default.weight": DOWN,
    ".lora_B.default.weight": UP,
    ".lora_linear_layer.down.weight": DOWN,
    ".lora_linear_layer.up.weight": UP,
    ".lora.down.weight": DOWN,
    ".lora.up.weight": UP,
    "_lora.down.weight": DOWN,
    "_lora.up.weight": UP,
    ".lora_magnitude_vector": MAGNITUDE,
    ".lora_magnitude_vector.weight": MAGNITUDE,
    ".lora_magnitude_vector.default.weight": MAGNITUDE,
    ".alpha": ALPHA,
    **{f".{name}": name for name in LYCORIS},
    **{f".{name}.weight": name for name in ("a1", "a2", "b1", "b2", "bm")},
    ".weight": "weight",
    ".scale": SCALE,
}
PREFIXES = {
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "lora_te3_": "t5",
    "text_encoder.": "text_encoder",
    "text_encoder_2.": "text_encoder_2",
    "text_encoder_3.": "text_encoder_3",
    "text_encoders.clip_l.transformer.": "text_encoder",
    "text_encoders.clip_g.transformer.": "text_encoder_2",
    "text_encoders.t5xxl.transformer.": "t5",
}
NETWORK_PREFIXES = (
    "lora_unet_",
    "lora_transformer_",
    "base_model.model.",
    "model.diffusion_model.",
    "diffusion_model.",
    "transformer.",
    "unet.",
    "",
)
Place = tuple[str, str]  # a part, and the path of a module in it


def split(key: str) -> tuple[str, str] | None:
    """The module that a key names and what of it this is; None where it is no key of an adapter."""
    for ending, role in ENDINGS.items():  # the plainest come last
        if key.endswith(ending):
            return key.removesuffix(ending), role
    return None


def by_module(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """The keys of each module that they name, by what of it they are."""
    modules: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for key in keys:
        if named := split(key):
            modules[named[0]].setdefault(named[1], key)
    return dict(modules)


class Places:
    """Where the names of LoRA files lead in one model: to parts, and to paths of modules in them."""

    def __init__(self, parts: dict[str, Any], network: str, architecture: str) -> None:
        self.network, self.architecture = network, architecture
        context = getattr(parts[network].config, "cross_attention_dim", 0)
        self.context = context if isinstance(context, int) else 0
        """The width of the text that a U-Net's attention reads; 0 where it has none or several."""
        self._t5 = "text_encoder_3" if "text_encoder_3" in parts else "text_encoder_2"
        self._originals = ORIGINALS.get(architecture)
        self._blocks = len(getattr(parts[network], "transformer_blocks", ()))
        self.modules: dict[Place, Any] = {
            (part, path): module
            for part, whole in parts.items()
            for path, module in whole.named_modules()
            if isinstance(module, (nn.Linear, nn.Conv2d, *norms())) and getattr(module, "weight", None) is not None
        }
        self._paths = {(part, name): path for part, path in self.modules for name in _names(path)}
        if network == "unet":
            theirs = dict(original_names(parts["unet"]))
            for part, path in [place for place in self.modules if place[0] == "unet"]:
                name = _renamed(path, theirs)
                self._paths.setdefault((part, name.replace(".", "_")), path)

    def rows(self, name: str, count: int | None) -> dict[Place, Tensor | None]:
        """Which of a matrix's `count` rows each module has that it changes, None for all; {} where the model lacks
        what the file names. Without a count they are as many as the modules have.

        Raises RuntimeError for rows that cannot be shared out among the modules of a fused matrix.
        """
        part, inner = self.part_of(name)
        if place := self._find(part, inner):
            return {place: None}
        theirs = self._originals.find(inner) if self._originals and part == self.network else None
        if self._originals is None or theirs is None:
            return {}
        ours = [(part, path) for path in self._originals.parts(theirs)]
        if not all(place in self.modules for place in ours):
            return {}
        count = sum(len(self.modules[place].weight) for place in ours) if count is None else count
        every = torch.arange(count)
        made = self._originals.diffusers_layout({f"{theirs}.weight": every}, self._blocks)
        return {
            (part, path.removesuffix(".weight")): None if torch.equal(rows, every) else rows
            for path, rows in made.items()
        }

    def part_of(self, name: str) -> tuple[str, str]:
        for prefix, part in PREFIXES.items():
            if name.startswith(prefix):
                return self._t5 if part == "t5" else part, name.removeprefix(prefix)
        prefix = next(prefix for prefix in NETWORK_PREFIXES if name.startswith(prefix))
        return self.network, name.removeprefix(prefix)

    def _find(self, part: str, name: str) -> Place | None:
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
