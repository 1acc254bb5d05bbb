"""Decoders to put in place of a model's own: what lies in `models/vae`, looked over before any library loads it.

A folder of diffusers (AutoencoderKL, AutoencoderTiny) or one safetensors file: an AutoencoderKL under the names of
its first authors or of diffusers, or a TAESD. A single file says its sizes by its shapes, and its scale not at all.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import places
from pipelines.errors import BadFile, BadRequest, NotFound, Sentence
from pipelines.files import naming, plain
from pipelines.files.names import Names
from pipelines.models import strangers
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.faults import as_bad_file
from pipelines.models.folders import is_vae_beside
from pipelines.models.info import ModelInfo
from pipelines.models.library import metadata

AUTOMATIC = "automatic"
KL, TINY = "AutoencoderKL", "AutoencoderTiny"
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors")
PREFIXES = ("first_stage_model.", "vae.", "taesd_decoder.", "")
BASES = {"sd1": "sd", "sd2": "sd", "sdxl": "sdxl", "sdxl-refiner": "sdxl", "sd3": "sd3", "flux": "flux"}
"""The recogniser's architectures, and ours: of each pair with the same shapes the latents differ."""
CALLED = (
    (r"xl", "sdxl"),
    (r"sd[-_. ]?3|taesd3", "sd3"),
    (r"flux|taef1|^ae$", "flux"),
    (r"840000|560000|ft[-_ ]?(mse|ema)|kl[-_ ]?f8|sd[-_. ]?v?1|v1[-_.]?[45]|taesd($|[^a-z0-9])", "sd"),
)
"""What decoders are called: a pattern, and whose they are."""
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class VaeInfo:
    """A decoder that passed: its file, its class and what its class is built with; `scaling` is None where unsaid."""

    name: str
    file: Path
    kind: str
    prefix: str
    config: dict[str, Any]
    scaling: tuple[float, float] | None
    base: str = ""
    """The architecture that its metadata name; "" where they say nothing."""

    @property
    def latent_channels(self) -> int:
        return int(self.config.get("latent_channels", 4))

    @property
    def latent_factor(self) -> int:
        widths = self.config.get("block_out_channels") or self.config.get("decoder_block_out_channels") or (0,) * 4
        return 2 ** (len(widths) - 1)


def names() -> tuple[str, ...]:
    """ "automatic", the model's own, and what lies in the folders for them, sound or not."""
    return (AUTOMATIC, *sorted(_NAMES.now()))


def resolve(name: str) -> str | None:
    """What the one of `names()` is called that the name can mean; None for none."""
    return AUTOMATIC if name == AUTOMATIC else _NAMES.resolve(name)


def by_path() -> dict[Path, str]:
    """What each of them is called, without the model's own."""
    return dict(_NAMES.by_path())


def _files() -> Iterator[tuple[Path, str, Path]]:
    """Folders of diffusers and files, and the files among the checkpoints that are called as decoders."""
    for home in places.of(places.VAES):
        for folder in naming.below(home):
            if folder.depth and folder.has("config.json"):
                yield home, folder.path.relative_to(home).as_posix(), folder.path
                continue
            for path in (folder.path / name for name in folder.names):
                if naming.is_weights(path.name) if folder.has(path.name) else plain.is_regular(path / "config.json"):
                    yield home, path.relative_to(home).as_posix(), path
    for home in places.of(places.CHECKPOINTS):
        for folder in naming.below(home, places.left_out(home)):
            for path in (folder.path / name for name in folder.names):
                if naming.is_weights(path.name) and is_vae_beside(path.name) and folder.has(path.name):
                    yield home, path.relative_to(home).as_posix(), path


_NAMES = Names(lambda: naming.distinct(_files(), (AUTOMATIC,), with_ending=True))


def find(name: str) -> Path:
    """Raises NotFound."""
    if path := _NAMES.find(name):
        return path
    raise NotFound(
        "vae {name!r} is not here; here are: {known}. Put it under models/vae.",
        name=name[:40],
        known=", ".join(names()[:8]),
    )


def inspect(path: Path) -> VaeInfo:
    """Look a file or a folder over without loading it. Raises BadFile."""
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        raise BadFile("{file} is a link that leads out of models/vae; put the file itself there.", file=path.name[:60])
    with as_bad_file(
        Sentence("{file} is not laid out as a decoder is. Copy it again or choose another.", file=path.name[:60])
    ):
        return _of_folder(path) if path.is_dir() else _of_file(path)


def refuse_unfit(vae: VaeInfo, model: ModelInfo) -> None:
    """Raises BadRequest where the decoder's latents are not the model's, by name."""
    own = model.configs["vae"]
    blocks = own.get("block_out_channels") or own.get("decoder_block_out_channels") or (0,) * 4
    if vae.base and _whose(model.architecture) not in ("", vae.base):
        raise _unfit(vae, model, Sentence("it was made for {base}", base=ARCHITECTURES[vae.base].label))
    has, wanted = vae.latent_channels, int(own.get("latent_channels", 4))
    if has != wanted:
        why = Sentence("it has {has} latent channels, the model has {wanted}", has=has, wanted=wanted)
        raise _unfit(vae, model, why)
    has, wanted = vae.latent_factor, 2 ** (len(blocks) - 1)
    if has != wanted:
        raise _unfit(
            vae, model, Sentence("it has {has} pixels a latent, the model has {wanted}", has=has, wanted=wanted)
        )
    kind = model.classes["vae"]
    if vae.kind == TINY and kind == KL:
        return  # a TAESD takes latents in the network's own scale, whatever that is
    scaling = vae.scaling if kind == vae.kind or vae.scaling else (0.0, 0.0)
    if scaling is not None and scaling != scaling_of(own):
        raise _unfit(vae, model, Sentence("its latents have another scale"))


def doubt(name: str, model: ModelInfo) -> Sentence:
    """What to say where the decoder's name is of another kind of model, with the same shapes; else ""."""
    stem = naming.without_ending(name).rpartition("/")[2].lower()
    base = next((base for pattern, base in CALLED if re.search(pattern, stem)), "")
    if not base or _whose(model.architecture) in ("", base):
        return Sentence("")
    return Sentence(
        "The name of the VAE {vae} says that it is for {base}, and {model} is {own}: colours may be wrong.",
        vae=name[:60],
        base=ARCHITECTURES[base].label,
        model=model.name[:60],
        own=ARCHITECTURES[model.architecture].label,
    )


def _whose(architecture: str) -> str:
    """The architecture, where it has an autoencoder of its own that those of others are mistaken for."""
    return architecture if architecture in BASES.values() else ""


def scaling_of(config: Mapping[str, Any]) -> tuple[float, float]:
    """An autoencoder's scaling_factor and shift_factor as its config says them, and what they are where it does not."""
    return float(config.get("scaling_factor") or 1.0), float(config.get("shift_factor") or 0.0)


def _unfit(vae: VaeInfo, model: ModelInfo, why: Sentence) -> BadRequest:
    return BadRequest(
        "vae {vae} does not fit {model}: {why}. Choose another or 'automatic'.",
        vae=vae.name[:60],
        model=model.name[:40],
        why=why,
    )


def _of_folder(folder: Path) -> VaeInfo:
    config = strangers.read_json(folder / "config.json")
    kind = str(config.get("_class_name"))
    if kind not in (KL, TINY):
        raise BadFile(
            "{folder} is a {kind}; only {kl} and {tiny} can decode. Choose another.",
            folder=folder.name[:60],
            kind=kind[:40],
            kl=KL,
            tiny=TINY,
        )
    strangers.check_config(f"{folder.name}/config.json", config)
    file = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if file is None:
        raise BadFile("{folder} has no {file}. Copy the whole folder again.", folder=folder.name[:60], file=WEIGHTS[0])
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadFile(
            "the weights of {folder} are a link that leads out of it; put the file there.", folder=folder.name[:60]
        )
    strangers.check_safetensors(file)
    return VaeInfo(folder.name, file, kind, "", config, scaling_of(config))


def _of_file(file: Path) -> VaeInfo:
    head = strangers.sound_header(file)
    shapes, base = head.shapes, BASES.get(metadata.base(head.metadata), "")
    for prefix in PREFIXES:
        own = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
        if "decoder.conv_in.weight" in own and len(own["decoder.conv_in.weight"]) == 4:
            config = _kl_config(own, file.name)
            strangers.check_config(file.name, config)
            return VaeInfo(file.name, file, KL, prefix, config, None, base)
        if "decoder.layers.0.weight" in own or "1.weight" in own:
            first = own.get("decoder.layers.0.weight") or own["1.weight"]
            channels = first[1] if len(first) == 4 else 0
            config = {"latent_channels": channels}
            strangers.check_config(file.name, config)
            return VaeInfo(file.name, file, TINY, prefix, config, (1.0, 0.0), base)
    raise BadFile(
        "{file} holds no decoder that is known: an AutoencoderKL or a TAESD. Choose another.", file=file.name[:60]
    )


def _kl_config(shapes: Shapes, name: str) -> dict[str, Any]:
    """What an AutoencoderKL is built with, read off its shapes."""
    of_diffusers = any(key.startswith("decoder.up_blocks.") for key in shapes)
    block = r"encoder\.down_blocks\.(\d+)\.resnets\.(\d+)" if of_diffusers else r"encoder\.down\.(\d+)\.block\.(\d+)"
    found = [(re.fullmatch(block + r"\.conv1\.weight", key), shape) for key, shape in shapes.items()]
    widths = {(int(m[1]), int(m[2])): shape[0] for m, shape in found if m and len(shape) == 4}
    count = 1 + max((level for level, _ in widths), default=-1)
    layers = sum(1 for level, _ in widths if level == 0)
    if not 1 <= count <= 8 or any((level, 0) not in widths for level in range(count)):
        raise BadFile("{name} is no whole AutoencoderKL: its encoder is missing. Choose another file.", name=name[:60])
    return {
        "down_block_types": ["DownEncoderBlock2D"] * count,
        "up_block_types": ["UpDecoderBlock2D"] * count,
        "block_out_channels": [widths[level, 0] for level in range(count)],
        "layers_per_block": layers,
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }


def identity(vae: VaeInfo) -> str:
    """What tells this state of the file from any other."""
    stat = vae.file.stat()
    return f"vae:{vae.name}@{stat.st_mtime_ns}:{stat.st_size}:{json.dumps(vae.kind)}"
