"""A pipeline of diffusers in memory: its parts, each loaded by a class that is known, and its preview."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.device.memory import is_out_of_memory
from pipelines.diffusion import loading
from pipelines.diffusion.bridge import asked
from pipelines.diffusion.preview import LinearPreview, fitted_preview
from pipelines.errors import BadFile, Sentence
from pipelines.models import building
from pipelines.models.bridged import sizes
from pipelines.models.bridged.folder import CONFIGS, kind_of
from pipelines.models.checkpoints import tokenizer_files
from pipelines.models.faults import as_bad_file
from pipelines.models.info import ModelInfo

UNFIT = (ValueError, TypeError, RuntimeError, OSError, KeyError, AttributeError, ImportError, IndexError)
"""What the libraries raise for files that are not what they say."""
BASES = {
    "scheduler": ("diffusers.schedulers.scheduling_utils", "SchedulerMixin"),
    "tokenizer": ("transformers.tokenization_utils_base", "PreTrainedTokenizerBase"),
    "module": ("torch.nn", "Module"),
}
DECODERS = ("vae", "movq", "vqgan")
MOVQ, PAELLA = "VQModel", "PaellaVQModel"  # of Kandinsky; of Wuerstchen and Stable Cascade
MOST_TOKENS = 4096
GREY = Sentence("What this model's latents look like is not known here: the live frames show them in grey.")


class Bridged:
    """The device manager's kind of model. `lock` is held while prompts are read, as fast tokenizers are not safe in
    two threads; everything else of a run belongs to a pipeline object of its own."""

    def __init__(self, info: ModelInfo, parts: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.info, self._parts, self._settings = info, dict(parts), dict(settings)
        self.lock = threading.Lock()
        self.device = torch.device("cpu")
        self.latents = Latents.of(info, self._parts, self.pipeline({}))

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for part in self._modules for t in (*part.parameters(), *part.buffers()))

    @property
    def _modules(self) -> list[nn.Module]:
        return [part for part in self._parts.values() if isinstance(part, nn.Module)]

    def to(self, device: Any) -> Bridged:
        with self.lock:
            for part in self._modules:
                part.to(device)
            self.device = torch.device(device)
            self.latents = self.latents.to(self.device)
        return self

    def pipeline(self, schedulers: Mapping[str, Callable[[Any], Any]]) -> Any:
        """A pipeline over the same weights, whose schedulers are new and each made into what `schedulers` says."""
        parts = dict(self._parts)
        for name, part in self._parts.items():
            if kind_of(self.info.classes.get(name, "")) == "scheduler":
                own = type(part).from_config(part.config)
                parts[name] = schedulers[name](own) if name in schedulers else own
        made = libs.named("diffusers", self.info.pipeline)(**parts, **self._settings)
        made.set_progress_bar_config(disable=True)
        return made

    @property
    def schedulers(self) -> tuple[str, ...]:
        return tuple(name for name in self._parts if kind_of(self.info.classes.get(name, "")) == "scheduler")


@dataclass(frozen=True, eq=False)
class Latents:
    """A pipeline's latents as pictures to look at. `unpacked` undoes the form that its network has them in;
    `decode`, latents (1, C, h, w) -> RGB (1, 3, H, W) in [-1, 1], is None where no decoder of theirs is known."""

    preview: LinearPreview | None
    unpacked: Callable[[Tensor, int, int], Tensor]
    decode: Callable[[Tensor], Tensor] | None
    factor: int

    @classmethod
    def of(cls, info: ModelInfo, parts: Mapping[str, Any], pipeline: Any) -> Latents:
        vae = next((parts[name] for name in DECODERS if parts.get(name) is not None), None)
        factor = sizes.factor(info)
        if vae is None and not any("vq" in name or "vae" in name for name in parts):
            return cls(LinearPreview(torch.eye(3), torch.zeros(3)), _plane(None, 1), lambda pixels: pixels, 1)
        if vae is None:
            return cls(None, _plane(None, factor), None, factor)
        decode = _decoder(vae)
        unpack = getattr(pipeline, "_unpack_latents", None)
        if unpack is not None and list(inspect.signature(unpack).parameters)[1:] != [
            "height",
            "width",
            "vae_scale_factor",
        ]:
            unpack = None
        channels = _channels(vae)
        preview = None
        if decode is not None and channels:
            with torch.inference_mode():
                try:
                    preview = fitted_preview(decode, channels, next(vae.parameters()).device)
                except UNFIT as error:
                    if is_out_of_memory(error):
                        raise
                    decode = None  # a decoder that is asked in another way: its pictures come from the pipeline alone
        return cls(preview, _plane(unpack, factor), decode, factor)

    def to(self, device: Any) -> Latents:
        return Latents(self.preview.to(device) if self.preview else None, self.unpacked, self.decode, self.factor)

    def preview_picture(self, latents: Tensor, height: int, width: int) -> np.ndarray:
        """Latents of one picture of that size, in the network's own form -> uint8 (1, H', W', 3)."""
        flat = self.unpacked(latents.float(), height, width)
        preview = self.preview
        if preview is None or preview.weight.shape[0] != flat.shape[1]:
            channels = flat.shape[1]
            preview = LinearPreview(torch.full((channels, 3), channels**-0.5, device=flat.device), flat.new_zeros(3))
        return preview(flat)

    def picture(self, latents: Tensor, height: int, width: int) -> np.ndarray | None:
        """The same decoded, uint8 (H, W, 3); None where no decoder is known."""
        if self.decode is None:
            return None
        with torch.inference_mode():
            pixels = self.decode(self.unpacked(latents, height, width)).float()
        levels = (pixels[0] / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).cpu().numpy()


def _plane(unpack: Callable[..., Tensor] | None, factor: int) -> Callable[[Tensor, int, int], Tensor]:
    """What makes a plane (1, C, h, w) of latents, whatever form they have."""

    def unpacked(latents: Tensor, height: int, width: int) -> Tensor:
        if latents.ndim == 3 and unpack is not None:
            latents = unpack(latents, height, width, factor)
        if latents.ndim == 5:  # (1, C, frames, h, w), a picture being a film of one
            latents = latents[:, :, 0]
        if latents.ndim == 3:  # (1, tokens, C): as a plane where the tokens fill one
            tokens, channels = latents.shape[1:]
            down = round((tokens * height / width) ** 0.5)
            down = down if down and not tokens % down else 1
            latents = latents.transpose(1, 2).reshape(1, channels, down, tokens // down)
        return latents

    return unpacked


def _channels(vae: Any) -> int:
    config = vae.config
    return int(config.get("latent_channels") or config.get("z_dim") or 0)


def _decoder(vae: Any) -> Callable[[Tensor], Tensor] | None:
    """Undoes the scale that pipelines put on an autoencoder's latents, and decodes."""
    if not hasattr(vae, "decode"):
        return None
    config, kind = vae.config, type(vae).__name__
    mean, deviation = config.get("latents_mean"), config.get("latents_std")
    of_films = "z_dim" in config

    def unscaled(latents: Tensor) -> Tensor:
        if mean and deviation:
            return latents * latents.new_tensor(deviation).view(-1, 1, 1) + latents.new_tensor(mean).view(-1, 1, 1)
        if kind == PAELLA:
            return latents * config["scale_factor"]
        if kind == MOVQ or not config.get("scaling_factor"):
            return latents
        return latents / config["scaling_factor"] + (config.get("shift_factor") or 0.0)

    def decode(latents: Tensor) -> Tensor:
        own = next(vae.parameters())
        latents = unscaled(latents).to(own.device, own.dtype)
        if kind == MOVQ:
            return vae.decode(latents, force_not_quantize=True, return_dict=False)[0]
        if kind == PAELLA:
            return vae.decode(latents, return_dict=False)[0] * 2 - 1  # its pictures lie in [0, 1]
        if of_films:
            return vae.decode(latents[:, :, None], return_dict=False)[0][:, :, 0]
        return vae.decode(latents, return_dict=False)[0]

    return decode


def load(info: ModelInfo, dtype: Any = torch.float32) -> Bridged:
    """The model that `models.inspect` has passed. Raises BadFile where its parts do not fit."""
    index = info.configs["model_index"]
    sentence = Sentence(
        "the parts of this {pipeline} do not make one. Copy the whole folder again.", pipeline=info.pipeline[:60]
    )
    with libs.door, as_bad_file(sentence, "model_index.json", index):
        parts = {name: _part(info, name, str(index[name][0]), dtype) for name in info.classes}
        for name in asked.Call.of(info).pipeline.parts:
            if name in index and index[name] == [None, None]:
                parts[name] = None
        settings = {
            name: value
            for name, value in index.items()
            if name in asked.Call.of(info).pipeline.parts and not isinstance(value, list)
        }
        return Bridged(info, parts, settings)


def lease(info: ModelInfo, devices: DeviceManager) -> AbstractContextManager[Bridged]:
    """The model on the device, for the block's time."""
    return devices.lease(models.identity(info), lambda: load(info, devices.dtype))


def reader(info: ModelInfo) -> tuple[Any, int]:
    """The tokenizer that reads the prompt first, and how many tokens of it the pipeline reads. Raises BadFile."""
    name = next((part for part, kind in info.classes.items() if kind_of(kind) == "tokenizer"), None)
    if name is None:
        raise BadFile("this {pipeline} has no tokenizer, so its tokens cannot be counted.", pipeline=info.pipeline)
    with libs.door:
        tokenizer = _part(info, name, str(info.configs["model_index"][name][0]), None)
    said = asked.Call.of(info).pipeline.call.get("max_sequence_length")
    return tokenizer, min(int(tokenizer.model_max_length), said if isinstance(said, int) else MOST_TOKENS)


def _part(info: ModelInfo, part: str, library: str, dtype: Any) -> Any:
    name, folder = info.classes[part], info.folder / part
    kind = kind_of(name)
    found = _class(part, library, name)
    if not isinstance(found, type) or kind in BASES and not issubclass(found, libs.function(*BASES[kind])):
        raise BadFile(
            "{part} in model_index.json is a {name}, which is no {kind}. Choose another model.",
            part=part[:40],
            name=name[:40],
            kind=kind,
        )
    if kind == "tokenizer":
        return tokenizer_files.opened(folder, part, found)
    config = info.configs[part]
    if kind == "module":
        half = part in DECODERS and config.get("force_upcast", False) and dtype == torch.float16
        files = info.weights[part]
        building.check(found, config, part, files)
        return loading.read_part(found, folder, part, torch.float32 if half else dtype, files, config)
    if tokenizer_files.holds_one(folder):  # a processor may open one
        tokenizer_files.check(folder, part)
    sentence = Sentence(
        "the settings of {part} are not those of a {name}. Copy the folder again.", part=part[:40], name=name[:40]
    )
    with as_bad_file(sentence, f"{part}/{CONFIGS[kind]}", config, found):
        if kind == "scheduler":
            return found.from_config(dict(config))
        return found.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def _class(part: str, library: str, name: str) -> Any:
    """The class itself, of a library that `folder.inspect` has passed."""
    sentence = Sentence(
        "{part} is a {name}, which the {library} that is installed here does not have, or not without another library. "
        "Update it or choose another model.",
        part=part[:40],
        name=name[:40],
        library=library[:20],
    )
    with as_bad_file(sentence):
        if library in ("diffusers", "transformers"):
            return libs.named(library, name)
        return libs.function(f"diffusers.pipelines.{library}", name)


def reason(error: BaseException) -> str:
    """What a library says, as the end of a sentence: its first line, without anything that looks like a path."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    words = [word for word in lines[0].split() if not word.strip("'\"`(").startswith(("/", "\\", "http"))]
    text = " ".join(words)[:140]
    return text if text.endswith((".", "!", "?")) else f"{text}."
