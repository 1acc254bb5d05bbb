"""A model's files to a Bundle in memory, on the CPU."""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from pipelines import libs
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile, Sentence
from pipelines.models import building
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.checkpoints import single_file, tokenizer_files
from pipelines.models.faults import as_bad_file, is_ours
from pipelines.models.info import ModelInfo

TRANSFORMERS = ("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel")


def load(info: ModelInfo, dtype: Any = torch.float32) -> Bundle:
    """The model that `models.inspect` has passed. Raises BadFile when its parts do not fit."""
    architecture = ARCHITECTURES[info.architecture]
    with libs.door:
        parts = {part: _part(info, part, _dtype_of(info, part, dtype)) for part in info.weights}
        tokenizers = {part: tokenizer(info, part) for part in architecture.tokenizers if part in info.classes}
        sentence = Sentence("the parts of this model do not make one. Copy the whole folder again.")
        with as_bad_file(sentence, **_scheduler(info)):
            return runner(info.architecture)(info, parts, tokenizers)


def _scheduler(info: ModelInfo) -> dict[str, Any]:
    """Where to look when all parts could be read and yet make no model: at the settings of the noise."""
    return {"label": "scheduler/scheduler_config.json", "config": info.configs.get("scheduler", {})}


def _dtype_of(info: ModelInfo, part: str, dtype: Any) -> Any:
    """float32 for autoencoders that overflow in float16 and say so, as SDXL's does."""
    upcast = part == "vae" and info.configs["vae"].get("force_upcast", True) and dtype == torch.float16
    return torch.float32 if upcast else dtype


def _part(info: ModelInfo, part: str, dtype: Any) -> Any:
    if info.folder.is_file():
        return sound(single_file.load_part(info, part, dtype), part)
    name = info.classes[part]
    kind = libs.named("transformers" if name in TRANSFORMERS else "diffusers", name)
    if not is_ours(info.folder):
        building.check(kind, info.configs[part], part, info.weights[part])
    return read_part(kind, info.folder / part, part, dtype, info.weights[part], info.configs[part])


def read_part(
    kind: Any, folder: Path, part: str, dtype: Any, files: Iterable[Path], config: Mapping[str, Any] | None = None
) -> Any:
    """A module of that class from its folder, whose weights are these `files`. Raises BadFile where they do not fit."""
    half = all(".fp16." in path.name for path in files)
    sentence = Sentence("the weights of {part} do not fit its config.json: one of the two is not its own.", part=part)
    with as_bad_file(sentence, f"{part}/config.json", config, kind):
        module, report = kind.from_pretrained(
            str(folder),
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **({"variant": "fp16"} if half else {}),
        )
    missing = [
        name for name in report["missing_keys"] if name not in (getattr(module, "_tied_weights_keys", None) or ())
    ]
    if missing:
        raise BadFile(
            "{part} lacks {number} of its weights ({missing}, ...). Copy the folder again.",
            part=part,
            number=len(missing),
            missing=min(missing)[:60],
        )
    return sound(module, part)


def sound(module: Any, part: str) -> Any:
    """The module, ready to be asked. Raises BadFile for weights that are not numbers."""
    if not all(bool(torch.isfinite(p).all()) for p in module.parameters()):
        raise BadFile("{part} has weights that are not numbers (NaN or infinite). Copy the folder again.", part=part)
    return module.eval().requires_grad_(False)


def tokenizer(info: ModelInfo, part: str) -> Any:
    """The tokenizer of that part. Raises BadFile for one that could cost more than a real one does."""
    if info.folder.is_file():
        return single_file.tokenizer(info, part)
    loaded = tokenizer_files.opened(info.folder / part, part, trusted=is_ours(info.folder))
    if loaded.pad_token_id is None:
        raise BadFile("{part} has no pad token; set pad_token in {part}/tokenizer_config.json.", part=part)
    return loaded


def runner(name: str) -> type[Bundle]:
    """The class that runs models of that architecture; imports torch, so ask `libs.torch()` first."""
    return importlib.import_module(ARCHITECTURES[name].module).Model
