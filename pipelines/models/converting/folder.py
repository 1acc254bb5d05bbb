"""A checkpoint of one file as a folder of diffusers, one part in memory at a time; runs in the child process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.models import strangers
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.checkpoints import layout, single_file
from pipelines.models.converting import writing
from pipelines.models.info import ModelInfo

SCHEDULERS = {"sd": "EulerDiscreteScheduler", "sdxl": "EulerDiscreteScheduler"}
FLOW = "FlowMatchEulerDiscreteScheduler"
WIDTHS = {"F64": 3, "F32": 2, "BF16": 1, "F16": 0}


def write(info: ModelInfo, folder: Path, dtype: str, tell: Callable[[int, int], None]) -> None:
    """Write the model that `single_file.inspect` found. Raises BadFile."""
    if not folder.is_dir():
        folder.mkdir()
    parts = [part for part in ARCHITECTURES[info.architecture].weighty if part in info.classes]
    for done, part in enumerate(parts):
        tell(done, len(parts))
        chosen = _dtype(info, part) if dtype == writing.KEEP else dtype
        module = single_file.load_part(info, part, getattr(libs.torch(), chosen))
        _refuse_broken(module, part)
        module.save_pretrained(folder / part, safe_serialization=True)
        del module
    for part in info.classes:
        if part.startswith("tokenizer"):
            single_file.tokenizer(info, part).save_pretrained(folder / part)
    scheduler = SCHEDULERS.get(info.architecture, FLOW)
    libs.named("diffusers", scheduler).from_config(info.configs["scheduler"]).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(_index(info, folder, scheduler), indent=2), encoding="utf-8")


def _index(info: ModelInfo, folder: Path, scheduler: str) -> dict[str, Any]:
    index: dict[str, Any] = {**info.configs["model_index"], "scheduler": ["diffusers", scheduler]}
    for part, name in info.classes.items():
        if part.startswith("tokenizer"):
            told = json.loads((folder / part / "tokenizer_config.json").read_text(encoding="utf-8"))
            name = told.get("tokenizer_class", name)
        index[part] = ["transformers" if part.startswith(("text_encoder", "tokenizer")) else "diffusers", name]
    return index


def _dtype(info: ModelInfo, part: str) -> str:
    """The widest in which the part's weights are kept, so that none is rounded."""
    (file,) = info.weights[part]
    head = strangers.sound_header(file)
    start = layout.start_of(head.shapes, info.architecture, part) or ""
    kept = {dtype for name, dtype in head.dtypes.items() if name.startswith(start) and dtype in WIDTHS}
    widest = max(kept, key=WIDTHS.__getitem__, default="F32")
    return next(name for name, word in writing.WORDS.items() if word == ("F32" if len(kept) > 1 else widest))


def _refuse_broken(module: Any, part: str) -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise BadFile(
                "{name} of the {part} holds values that are no numbers, or too large for this dtype.",
                name=name[:60],
                part=part,
            )
