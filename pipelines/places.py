"""Where else models lie: folders that the owner names, and the trees of other tools, used as they are."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest

MOST_BYTES = 1 << 20
# How A1111 (capitals) and ComfyUI call the folders below their folder of models, and ComfyUI its keys.
NAMES = {
    "checkpoints": ("Stable-diffusion", "checkpoints", "diffusers", "Diffusers"),
    "loras": ("Lora", "LyCORIS", "loras"),
    "vaes": ("VAE", "vae"),
    "embeddings": ("embeddings",),
}


@dataclass(frozen=True)
class Places:
    """Folders by what lies in them, in the order in which they are searched."""

    checkpoints: tuple[Path, ...] = ()
    loras: tuple[Path, ...] = ()
    vaes: tuple[Path, ...] = ()
    embeddings: tuple[Path, ...] = ()

    def __add__(self, other: "Places") -> "Places":
        both = ((f.name, getattr(self, f.name) + getattr(other, f.name)) for f in fields(Places))
        return Places(**{name: tuple(dict.fromkeys(folders)) for name, folders in both})


def under(root: Path) -> Places:
    """A folder of models as A1111 or ComfyUI has it: those below it that are there, and itself for models."""
    there = {kind: tuple(root / name for name in names if (root / name).is_dir()) for kind, names in NAMES.items()}
    return Places(**there) + Places(checkpoints=(root,))


def from_yaml(file: Path) -> Places:
    """ComfyUI's `extra_model_paths.yaml`: sections with a `base_path` and, for each kind, one folder a line."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")[:MOST_BYTES]
        sections = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{file.name} can not be read. Name the extra_model_paths.yaml of ComfyUI.") from None
    except (yaml.YAMLError, RecursionError):
        raise BadRequest(f"{file.name} is not valid YAML. Compare it with extra_model_paths.yaml.example.") from None
    if not isinstance(sections, dict) or not all(isinstance(s, dict | None) for s in sections.values()):
        raise BadRequest(f"{file.name} must hold sections with folders in them, as extra_model_paths.yaml.example has.")
    found = Places()
    for section in sections.values():
        found += _section(section or {}, file.parent)
    return found


def _section(section: dict[Any, Any], beside: Path) -> Places:
    base = beside / _expanded(str(section.get("base_path") or ""))
    lines = {str(key).lower(): str(value).splitlines() for key, value in section.items() if value}
    return Places(**{kind: tuple(_folders(lines, names, base)) for kind, names in NAMES.items()})


def _folders(lines: dict[str, list[str]], names: Iterable[str], base: Path) -> Iterable[Path]:
    for key in dict.fromkeys(name.lower() for name in names):
        yield from (base / _expanded(line.strip()) for line in lines.get(key, []) if line.strip())


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()
