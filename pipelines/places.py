"""Where models lie: folders of models, what other tools call the folders below them, and more that the owner names.

A tree of A1111's or ComfyUI's is used as it is. Folders that the owner names stand in environment variables, so that
the processes that the studio starts know them too.
"""

import os
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from pipelines.files import bounded_yaml, plain

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = ROOT / "assets" / "models"
OURS = ROOT / "models"

CHECKPOINTS, VAES, TEXT_ENCODERS = "checkpoints", "vae", "text_encoders"
LORAS, EMBEDDINGS, CONTROLNETS, UPSCALERS = "loras", "embeddings", "controlnet", "upscale_models"
IP_ADAPTERS, IMAGE_ENCODERS = "ipadapter", "clip_vision"
FOLDERS = {
    # what their folder is called inside a folder of models, which ComfyUI's yaml has for keys: ours, then others';
    # models lie in the folder itself, too
    CHECKPOINTS: (
        "",
        "checkpoints",
        "Stable-diffusion",
        "Stable-Diffusion",
        "diffusion_models",
        "unet",
        "diffusers",
        "Diffusers",
    ),
    VAES: ("vae", "VAE"),
    TEXT_ENCODERS: ("text_encoders", "clip", "text_encoder"),
    LORAS: ("loras", "Lora", "LyCORIS"),
    EMBEDDINGS: ("embeddings", "../embeddings"),
    CONTROLNETS: ("controlnet", "ControlNet"),
    IP_ADAPTERS: ("ipadapter", "IP-Adapter", "ip_adapter"),
    IMAGE_ENCODERS: ("clip_vision", "image_encoder"),
    UPSCALERS: ("upscale_models", "ESRGAN", "RealESRGAN"),
}
OTHERS = (
    # what other tools keep in a folder of models that is of no use here
    "adetailer", "animatediff_models", "animatediff_motion_lora", "audio_encoders", "blip", "codeformer", "configs",
    "deepbooru", "facerestore_models", "gfpgan", "gligen", "hypernetworks", "insightface", "karlo",
    "latent_upscale_models", "ldsr", "model_patches", "onnx", "photomaker", "sams", "scunet", "style_models", "svd",
    "swinir", "torch_deepdanbooru", "ultralytics", "vae_approx", "vae-approx", "removed", "tokenizers", "wildcards",
)  # fmt: skip
VARIABLES = {kind: f"AIGC_{kind.upper()}" for kind in FOLDERS} | {CHECKPOINTS: "AIGC_MODELS"}

Places = Mapping[str, tuple[Path, ...]]
"""Folders that the owner named, by the kind of what lies in them, in the order in which they are searched."""


def roots() -> tuple[Path, ...]:
    """The folders of models, there or not: shipped, ours, those that the owner named."""
    return (EMBEDDED, OURS, *_named(CHECKPOINTS))


def left_out(home: Path) -> frozenset[str]:
    """The folders of a folder of models, in small letters, in which no checkpoints lie; none of any other folder."""
    if home not in {root.resolve() for root in roots()}:
        return frozenset()
    return frozenset(name.casefold() for name in (*OTHERS, *(name for names in FOLDERS.values() for name in names)))


def of(kind: str) -> tuple[Path, ...]:
    """The folders in which files of the kind lie, each once and there; of a name, the first folder's wins."""
    below = [root / name for root in roots() for name in FOLDERS[kind]]
    every = (folder.resolve() for folder in (*below, *_named(kind)) if plain.is_folder(folder))
    return tuple(dict.fromkeys(every))


def named() -> tuple[Path, ...]:
    """All folders that the owner named, of whatever kind."""
    return tuple(dict.fromkeys(folder for kind in FOLDERS for folder in _named(kind)))


def searched() -> tuple[str, ...]:
    """What decides where files are looked for, told without a look at the disk."""
    return (str(EMBEDDED), str(OURS), *(os.environ.get(variable, "") for variable in VARIABLES.values()))


def name(more: Places, environment: MutableMapping[str, str]) -> None:
    """Adds to the folders that the owner named."""
    for kind, folders in more.items():
        known = [path for path in environment.get(VARIABLES[kind], "").split(os.pathsep) if path]
        environment[VARIABLES[kind]] = os.pathsep.join([*known, *map(str, folders)])


def environment() -> dict[str, str]:
    """What a process must be told in order to search the same folders."""
    return {variable: os.environ[variable] for variable in VARIABLES.values() if variable in os.environ}


def _named(kind: str) -> tuple[Path, ...]:
    folders = (Path(path) for path in os.environ.get(VARIABLES[kind], "").split(os.pathsep) if path)
    return tuple(map(tree, folders)) if kind == CHECKPOINTS else tuple(folders)


def tree(folder: Path) -> Path:
    """The folder of models in the place where A1111, ComfyUI or another tool is installed; any other folder itself."""
    known = [name for names in FOLDERS.values() for name in names if name and not name.startswith("..")]
    for inner in (folder / "models", folder / "Models"):
        if plain.is_folder(inner) and any(plain.is_folder(inner / name) for name in known):
            return inner
    return folder


def joined(*every: Places) -> Places:
    """Each kind's folders in order, each once."""
    kinds = dict.fromkeys(kind for places in every for kind in places)
    return {kind: tuple(dict.fromkeys(folder for places in every for folder in places.get(kind, ()))) for kind in kinds}


def from_yaml(file: Path) -> Places:
    """ComfyUI's `extra_model_paths.yaml`: sections with a `base_path` and, for each kind, one folder a line."""
    try:
        text = plain.read(file, bounded_yaml.MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadRequest(
            "{file} can not be read. Name the extra_model_paths.yaml of ComfyUI.", file=file.name
        ) from None
    sections = bounded_yaml.loads(text, file.name[:60]) or {}
    if not isinstance(sections, dict) or not all(isinstance(s, dict | None) for s in sections.values()):
        raise BadRequest(
            "{file} must hold sections with folders in them, as extra_model_paths.yaml.example has.", file=file.name
        )
    return joined(*(_section(section or {}, file.parent) for section in sections.values()))


def _section(section: dict[Any, Any], beside: Path) -> Places:
    base = beside / _expanded(str(section.get("base_path") or ""))
    lines = {str(key).lower(): str(value).splitlines() for key, value in section.items() if value}
    found = {kind: tuple(_folders(lines, names, base)) for kind, names in FOLDERS.items()}
    return {kind: folders for kind, folders in found.items() if folders}


def _folders(lines: dict[str, list[str]], names: Iterable[str], base: Path) -> Iterable[Path]:
    for key in dict.fromkeys(name.lower() for name in names):
        folders = (base / _expanded(line.strip()) for line in lines.get(key, []) if line.strip())
        yield from (folder for folder in folders if _can_be(folder))


def _can_be(folder: Path) -> bool:
    """Whether a file system can have such a name; with a NUL or half a character it cannot."""
    try:
        return b"\0" not in os.fsencode(folder)
    except UnicodeEncodeError:
        return False


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()
