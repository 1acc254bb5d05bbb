"""Models of one's own in the families' room: which folders they are, each looked over before any library loads it.

Read are diffusers folders with safetensors: a DDPMPipeline or DDIMPipeline, or one of their parts alone (UNet2DModel,
AutoencoderKL, VQModel). They lie where all models do, see pipelines.places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines import places
from pipelines.errors import BadFile, NotFound, Sentence, StudioError
from pipelines.families.own import foreign
from pipelines.files import disk, naming, plain
from pipelines.files.names import Names
from pipelines.models import strangers
from pipelines.models.architectures import BETA_SCHEDULERS
from pipelines.models.faults import as_bad_file
from pipelines.params import described

DIFFUSION, VAE, VQ = "diffusion", "vae", "vq"
KINDS = {"UNet2DModel": DIFFUSION, "AutoencoderKL": VAE, "VQModel": VQ}
PIPELINES = ("DDPMPipeline", "DDIMPipeline")
READ = Sentence(
    "diffusers folders with safetensors of DDPMPipeline, DDIMPipeline, UNet2DModel, AutoencoderKL or VQModel"
)
OTHERS = ("LDMPipeline", "PNDMPipeline", "ScoreSdeVePipeline", "KarrasVePipeline", "ConsistencyModelPipeline")
"""Pipelines without a prompt that are not read; they are named as such."""

BOUNDS = strangers.BOUNDS | {
    "num_class_embeds": 10_000,
    "num_vq_embeddings": 2**17,
    "vq_embed_dim": 1024,
    "time_embedding_dim": 8192,
    "norm_num_groups": 1024,
}
MOST_ENTRIES = 500
"""Of a folder with models that are looked at."""
SHORTEST_SIDE = 4


@dataclass(frozen=True)
class OwnInfo:
    """A folder that passed. `scheduler` is None where it says nothing about its noise, as all but diffusion."""

    name: str
    kind: str
    class_name: str
    folder: Path
    weights: Path
    config: Mapping[str, Any] = field(repr=False)
    scheduler: Mapping[str, Any] | None = field(repr=False, default=None)

    @property
    def classes(self) -> int:
        return int(self.config.get("num_class_embeds") or 0) if self.kind == DIFFUSION else 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of the pictures that it was trained on, as far as its config says."""
        size: Any = self.config["sample_size"]
        height, width = size if isinstance(size, list) else (size, size)
        return int(self.config["in_channels"]), int(height), int(width)


def names() -> tuple[str, ...]:
    """Of the folders that say they hold one of these models, sound or not, in order."""
    return tuple(sorted(_NAMES.now()))


def resolve(name: str) -> str | None:
    """What the one of `names()` is called that the name can mean; None for none."""
    return _NAMES.resolve(name)


def find(name: str) -> Path:
    """The folder of one of `names()`; never a path from outside. Raises NotFound."""
    folder = _entries().get(name)
    if folder is None or not _says(folder):
        here = ", ".join(names()[:8]) or Sentence("none")
        raise NotFound(
            "no model {name!r} of your own is here; there are: {here}. Put its folder under models.",
            name=name[:40],
            here=here,
        )
    return folder


def listing() -> dict[str, list[dict[str, Any]]]:
    """`models` that can be opened, and `refused` ones, each with the sentence that says why."""
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for name, entry in sorted(_entries().items()):
        try:
            if _says(entry):
                good.append(_to_json(inspect(entry)))
            else:
                foreign.refuse(entry, READ)
                _refuse_others(entry)
        except StudioError as error:
            bad.append({"name": name, "why": str(error)})
    return {"models": good, "refused": bad}


def _to_json(info: OwnInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "class_name": info.class_name,
        "classes": info.classes,
        "shape": list(info.shape),
        "bytes": info.weights.stat().st_size,
        "own_noise": info.scheduler is not None,
    }


def inspect(folder: Path) -> OwnInfo:
    """Look a folder over without loading it. Raises BadFile with what is wrong and what to do."""
    with as_bad_file(
        Sentence("{file} is not laid out as a model is. Copy it again or choose another.", file=folder.name[:60])
    ):
        return _inspect(folder)


def _inspect(folder: Path) -> OwnInfo:
    strangers.refuse_links_out(folder)
    part = _part(folder)
    config = strangers.read_json(part / "config.json")
    class_name = str(config.get("_class_name"))
    if class_name not in KINDS or (class_name != "UNet2DModel" and _is_pipeline(folder)):
        raise BadFile(
            "the network's class is {class_name}; only {known} can be read here.",
            class_name=class_name[:60],
            known=", ".join(KINDS),
        )
    _check("config.json", config)
    _check_shapes(class_name, config)
    scheduler = _scheduler(folder) if class_name == "UNet2DModel" else None
    weights = _weights(part)
    strangers.check_safetensors(weights)
    return OwnInfo(folder.name, KINDS[class_name], class_name, part, weights, config, scheduler)


def _entries() -> dict[str, Path]:
    """What lies in the folders for models, by name; the first folder that has a name wins."""
    found: dict[str, Path] = {}
    for folder in places.roots():
        for name in disk.children(folder)[:MOST_ENTRIES]:
            if not naming.fault(name):
                found.setdefault(name, folder / name)
    return found


_NAMES = Names(lambda: {name: folder for name, folder in _entries().items() if _says(folder)})


def _class_of(file: Path) -> str:
    """What a config says it is; "" where there is none, or none that can be read."""
    try:
        return str(strangers.read_json(file).get("_class_name"))
    except (BadFile, OSError):
        return ""


def _is_pipeline(folder: Path) -> bool:
    return _class_of(folder / "model_index.json") in PIPELINES


def _says(folder: Path) -> bool:
    """Whether the folder says it holds one of these; whether that is true, `inspect` finds out."""
    if not plain.is_folder(folder):
        return False
    if plain.is_regular(folder / "model_index.json"):
        return _is_pipeline(folder)
    return _class_of(folder / "config.json") in KINDS


def _refuse_others(folder: Path) -> None:
    name = _class_of(folder / "model_index.json") if plain.is_folder(folder) else ""
    if name in OTHERS:
        raise BadFile("this is a {name}, which cannot be read here. What is read: {read}.", name=name, read=READ)


def _part(folder: Path) -> Path:
    """Where the network lies: in the pipeline's unet folder, or, as older ones have it, beside the index."""
    return folder / "unet" if _is_pipeline(folder) and (folder / "unet").is_dir() else folder


def _scheduler(folder: Path) -> dict[str, Any] | None:
    """The settings of the noise; a network alone may have none."""
    for file in (folder / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json"):
        if file.is_file():
            config = strangers.read_json(file)
            if config.get("_class_name") not in BETA_SCHEDULERS:
                given = str(config.get("_class_name"))[:40]
                raise BadFile(
                    "the scheduler must be one for DDPM's noise, such as DDIMScheduler; got {got}.", got=given
                )
            _check("scheduler_config.json", config)
            return config
    if _is_pipeline(folder):
        raise BadFile("scheduler/scheduler_config.json is missing from the model folder; copy the whole folder again.")
    return None


def _check(label: str, config: dict[str, Any]) -> None:
    strangers.refuse_code(label, config)
    for name, value in config.items():
        strangers.check_size(label, name, value, BOUNDS.get(name, strangers.MOST_NUMBER))


def _check_shapes(class_name: str, config: dict[str, Any]) -> None:
    """Pictures in, pictures out, of a size that is known, and nothing asked for besides a class."""
    channels, size = config.get("in_channels"), config.get("sample_size")
    sides = size if isinstance(size, list) else [size, size]
    if channels not in (1, 3):
        raise BadFile(
            "in_channels must be 1 or 3, as pictures have; got {channels}: no model of pictures.",
            channels=described(channels),
        )
    if len(sides) != 2 or not all(type(side) is int and side >= SHORTEST_SIDE for side in sides):
        raise BadFile(
            "sample_size must say the size of the pictures; got {got}. Add it to config.json.", got=described(size)
        )
    learned_too = 2 * channels if class_name == "UNet2DModel" else channels  # of the variance: left aside
    if config.get("out_channels") not in (channels, learned_too):
        raise BadFile(
            "out_channels must be {channels} as in_channels is; got {got}.",
            channels=channels,
            got=described(config.get("out_channels")),
        )
    if config.get("class_embed_type") is not None:
        raise BadFile("config.json sets class_embed_type, which needs inputs besides a class. Choose another model.")
    if config.get("time_embedding_type") == "fourier":
        raise BadFile("config.json says time_embedding_type fourier: a score model, not DDPM. Choose another model.")


def _weights(part: Path) -> Path:
    for name in ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"):
        if (part / name).is_file():
            return part / name
    if any(Path(name).suffix in foreign.PICKLES for name in disk.children(part)[:MOST_ENTRIES]):
        raise BadFile("the model has its weights as a pickle, which can run code; convert it to safetensors.")
    raise BadFile("diffusion_pytorch_model.safetensors is missing from the model folder; copy the whole folder again.")
