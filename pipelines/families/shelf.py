"""Trained families as files: packed weights, and in the header what they are of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import places
from pipelines.data import sets
from pipelines.errors import BadFile, NotFound
from pipelines.families import MODULES
from pipelines.families.learning import base_noise, build
from pipelines.models import strangers
from pipelines.models.packed import packed, unpacked

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FOLDER = places.EMBEDDED / "families"
PLANE = "-plane"
"""Behind a family's name: the one whose z has two dimensions, so that all of them can be seen at once."""


@dataclass(frozen=True, eq=False)
class Shipped:
    """A trained model and what it was trained on."""

    family: str
    data: sets.DataSet
    model: Any

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def noise(self, seed: int, count: int) -> Tensor:
        """Base noise where the model is: drawn on the CPU, so that it is the same on any device."""
        return base_noise(self.model, seed, count).to(self.device)

    @property
    def nbytes(self) -> int:
        return sum(weight.nbytes for weight in self.model.state_dict().values())

    def to(self, device: str, /) -> Shipped:
        self.model.to(device)
        return self


def file_of(data: str, family: str, folder: Path = FOLDER) -> Path:
    return folder / f"{data}-{family}.safetensors"


def save(model: Any, family: str, data: str, options: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Writes the file and returns its path."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    file = file_of(data, family, folder)
    about = json.dumps({"family": family.removesuffix(PLANE), "data": data, "options": options})
    save_file(packed(model.state_dict()), file, {"about": about})
    return file


def load(data: str, family: str, folder: Path = FOLDER) -> Shipped:
    """The trained model, computing in float32. Raises NotFound, BadFile."""
    file, family = file_of(data, family, folder), family.removesuffix(PLANE)
    if family not in MODULES or data not in sets.names() or not file.is_file():
        raise NotFound(
            "no {family!r} trained on {data!r} is shipped. Train one on the page.", family=family[:20], data=data[:20]
        )
    strangers.check_safetensors(file)
    about, weights = _read(file)
    if (about["family"], about["data"]) != (family, data):
        raise BadFile(
            "{file} holds another model than its name says. Copy assets/models/families again.", file=file.name
        )
    known = sets.get(data)
    try:
        model = build(family, known, about["options"])
        model.load_state_dict(unpacked(weights))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:  # whatever strange options do
        raise BadFile(
            "{file} does not fit the {family} of this studio. Copy assets/models/families again.",
            file=file.name,
            family=family,
        ) from error
    return Shipped(family, known, model.eval().requires_grad_(False))


def available(folder: Path = FOLDER) -> tuple[tuple[str, str], ...]:
    """(data, family) of every model that is there."""
    return tuple((d, f) for d in sets.names() for f in MODULES if file_of(d, f, folder).is_file())


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the file says that it holds, and its tensors as they lie there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            return _about(file, opened.metadata()), {name: opened.get_tensor(name) for name in opened.keys()}
    except SafetensorError as error:
        raise BadFile("{file} is damaged. Copy assets/models/families again.", file=file.name) from error


def _about(file: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    try:
        about = json.loads((metadata or {})["about"])
        return {"family": str(about["family"]), "data": str(about["data"]), "options": dict(about["options"])}
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise BadFile(
            "{file} does not say what it holds. Copy assets/models/families again.", file=file.name
        ) from error


def described(folder: Path = FOLDER) -> dict[str, Any]:
    """`shipped`: families by data set; `scores` as `evaluate families` wrote them; `classes` by data set, language."""
    shipped: dict[str, list[str]] = {}
    for data, family in available(folder):
        shipped.setdefault(data, []).append(family)
    file = folder / "scores.json"
    scores = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {"shipped": shipped, "scores": scores, "classes": {data: sets.class_names(data) for data in shipped}}
