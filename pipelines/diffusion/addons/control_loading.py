"""A ControlNet's file (diffusers' keys or the original ones) to the network that stands beside one model's UNet."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from pipelines import libs
from pipelines.diffusion.addons.lora_keys import original_names
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile
from pipelines.models import strangers
from pipelines.models.addons import files

HINT = "controlnet_cond_embedding"
HINT_LAYERS = 8
"""Of the original's, whose latents are 8 times smaller than its pictures."""


class ControlNet:
    """The network on a device, for the device manager."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self.module.parameters())

    def to(self, device: Any) -> ControlNet:
        self.module.to(device)
        return self


def load(path: Path, bundle: Bundle) -> ControlNet:
    """A ControlNet has the shape of its UNet's first half: it is built after this model's own, and its weights must
    fit in without one missing or left over. Raises BadFile."""
    kind = libs.named("diffusers", "ControlNetModel")
    order, unet = _channel_order(path), bundle.part("unet")
    tensors = files.tensors(path)
    if not any("zero_convs" in name or "controlnet_mid_block" in name for name in tensors):
        raise BadFile(
            "{file} is no ControlNet: it holds {held}. Choose another file.",
            file=files.name_of(path)[:60],
            held=min(tensors)[:70],
        )
    names = dict(original_names(unet)) if "time_embed.0.weight" in _bare(tensors) else {}
    given = {_ours(name, names): tensor for name, tensor in _bare(tensors).items()}
    channels = _hint_channels(path, given, bundle)
    module = kind.from_unet(unet, order, channels, load_weights_from_unet=False, conditioning_channels=3)
    if unet.config.addition_embed_type == "text":
        module.add_embedding = copy.deepcopy(unet.add_embedding)  # from_unet forgets its heads
    wanted = module.state_dict()
    wrong = sorted(name for name in wanted.keys() | given.keys() if _shape(wanted, name) != _shape(given, name))
    if wrong:
        raise BadFile(
            "{file} does not fit this model: {number} of its weights are other ones ({first}, ...). Choose a "
            "ControlNet made for this kind of model.",
            file=files.name_of(path)[:60],
            number=len(wrong),
            first=wrong[0][:70],
        )
    module.load_state_dict(given)
    return ControlNet(module.to(bundle.dtype).eval().requires_grad_(False))


def _shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None


def _bare(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("control_model."): tensor for name, tensor in tensors.items()}


def _ours(name: str, names: Mapping[str, str]) -> str:
    """diffusers' name of a weight that has the original's, where `names` has those of the UNet."""
    if not names or name.startswith(("controlnet_", "down_blocks.")):
        return name
    if hint := re.match(r"input_hint_block\.(\d+)\.", name):
        at = int(hint[1]) // 2  # convolutions and activations alternate
        last = HINT_LAYERS - 1
        layer = "conv_in" if at == 0 else "conv_out" if at == last else f"blocks.{at - 1}"
        return f"{HINT}.{layer}.{name[hint.end() :]}"
    if zero := re.match(r"zero_convs\.(\d+)\.0\.", name):
        return f"controlnet_down_blocks.{zero[1]}.{name[zero.end() :]}"
    if name.startswith("middle_block_out.0."):
        return f"controlnet_mid_block.{name.removeprefix('middle_block_out.0.')}"
    fitting = (ours for ours, theirs in names.items() if name.startswith(f"{theirs}."))
    start = max(fitting, key=lambda ours: len(names[ours]), default="")
    return start + name.removeprefix(names[start]) if start else name


def _channel_order(path: Path) -> str:
    """The order of the picture's channels, from a config beside the file. Raises BadFile for other kinds."""
    if not (path.parent / "config.json").is_file():
        return "rgb"
    config = strangers.read_json(path.parent / "config.json")
    kind = str(config.get("_class_name"))[:40]
    order = str(config.get("controlnet_conditioning_channel_order", "rgb"))
    if kind != "ControlNetModel" or config.get("global_pool_conditions") or order not in ("rgb", "bgr"):
        raise BadFile(
            "{file} is a {kind} with settings that are not supported. Choose a ControlNet for edges, depth, "
            "pose or lines.",
            file=files.name_of(path)[:60],
            kind=kind,
        )
    return order


def _hint_channels(path: Path, weights: dict[str, Tensor], bundle: Bundle) -> tuple[int, ...]:
    """Widths of the little network that brings the picture to the latents' size."""
    names = [f"{HINT}.conv_in.weight", *(f"{HINT}.blocks.{i}.weight" for i in range(1, 16, 2))]
    channels = tuple(len(weights[name]) for name in names if name in weights)
    if 2 ** (len(channels) - 1) != bundle.latent_factor:
        raise BadFile(
            "{file} does not fit this model, whose latents are {latent_factor} times smaller than its "
            "pictures. Choose a ControlNet made for this kind of model.",
            file=files.name_of(path)[:60],
            latent_factor=bundle.latent_factor,
        )
    return channels
