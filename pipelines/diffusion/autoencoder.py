"""A decoder of its own, in place of the one that a model brought."""

from __future__ import annotations

import re
import threading
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from pipelines import libs
from pipelines.device import turns
from pipelines.device.placement import Placement
from pipelines.diffusion.decoding import Decoder
from pipelines.diffusion.loading import sound
from pipelines.errors import BadFile, Sentence
from pipelines.models import building
from pipelines.models.faults import as_bad_file
from pipelines.models.vaes import KL, TINY, VaeInfo


class Autoencoder:
    """The device manager's kind of model: an autoencoder that is leased beside the model whose latents it decodes."""

    def __init__(self, info: VaeInfo, vae: Any) -> None:
        self.info, self.vae = info, vae
        turns.open_between(vae)
        self._placement = Placement({"vae": vae}, "vae")
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in (*self.vae.parameters(), *self.vae.buffers()))

    def to(self, device: Any) -> Autoencoder:
        with self._lock:
            self._placement.settle(device)
        return self

    def decoder(self, scale: float, shift: float) -> Decoder:
        """For latents of that scale. A TAESD was taught the network's own, so it takes them as they are."""
        return Decoder(
            self.vae, self._placement, self._lock, *((1.0, 0.0) if self.info.kind == TINY else (scale, shift))
        )


def load(info: VaeInfo, dtype: Any = torch.float32) -> Autoencoder:
    """The decoder that `vaes.inspect` has passed. Raises BadFile where weights and config do not fit."""
    with libs.door:
        kind = getattr(libs.diffusers(), info.kind)
        sentence = Sentence("the weights of {model} do not fit their class. Choose another file.", model=info.name[:60])
        with as_bad_file(sentence, f"{info.name[:60]}/config.json", info.config, kind):
            building.check(kind, info.config, info.name[:60], (info.file,), unsaid=building.ONE_HALF)
            vae = kind.from_config(info.config)
            weights = _weights(info)
            missing, unknown = vae.load_state_dict(weights, strict=False)
    needed = [name for name in missing if name.startswith(("decoder.", "post_quant_conv."))]
    if needed or unknown:
        raise BadFile("{model} lacks weights of its decoder, or has others. Choose another file.", model=info.name[:60])
    half = torch.float16 if dtype == torch.float16 and not info.config.get("force_upcast", True) else None
    return Autoencoder(
        info, sound(vae, info.name[:60]).to(half or (torch.float32 if dtype == torch.float16 else dtype))
    )


def _weights(info: VaeInfo) -> dict[str, Tensor]:
    weights = safetensors.torch.load_file(str(info.file))
    own = {name.removeprefix(info.prefix): w for name, w in weights.items() if name.startswith(info.prefix)}
    if info.kind == TINY:
        # TAESD's own decoder begins with a clamp that diffusers keeps elsewhere
        first = re.compile(r"(\d+)\.(.+)")
        moved = ((first.fullmatch(name), name, w) for name, w in own.items())
        return {f"decoder.layers.{int(m[1]) - 1}.{m[2]}" if m else name: w for m, name, w in moved}
    if info.kind == KL and any(name.startswith("decoder.up.") for name in own):
        convert = libs.function("diffusers.loaders.single_file_utils", "convert_ldm_vae_checkpoint")
        return convert(own, info.config)
    return own
