"""Whether a diffusers folder that runs through the bridge is sound: looked over before any library loads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile
from pipelines.models import strangers
from pipelines.models.architectures import BRIDGE
from pipelines.models.bridged import classes
from pipelines.models.bridged.classes import REQUIRED, PipelineClass
from pipelines.models.info import ModelInfo
from pipelines.params import described

CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
# wider than those of our own architectures, as language models read the prompts here
BOUNDS = strangers.BOUNDS | {
    "sample_size": 2048,
    "in_channels": 8192,
    "out_channels": 8192,
    "hidden_size": 16384,
    "intermediate_size": 65536,
    "max_position_embeddings": 2**20,
    "num_hidden_layers": 128,
    "num_layers": 128,
    "block_out_channels": 4096,
    "transformer_layers_per_block": 64,
    "pos_embed_max_size": 16384,
    "projection_dim": 16384,
    "axes_dims_rope": 4096,
}
FOREIGN = ("quantization_config", "adapter_config", "custom_pipeline", "custom_code")
ATTENTIONS = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")
DEEPEST = 8
CONFIGS = {"scheduler": "scheduler_config.json", "processor": "preprocessor_config.json", "module": "config.json"}
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def inspect(folder: Path, index: Mapping[str, Any]) -> ModelInfo:
    """Look over a folder whose links are known to stay inside. Raises BadFile with what is wrong and what to do."""
    name = index.get("_class_name")
    if not isinstance(name, str):
        raise BadFile("_class_name in model_index.json must name a pipeline; got {got}.", got=described(name))
    pipeline = classes.text_to_image(name)
    named = _parts(pipeline, index)
    for path in folder.rglob("*.json"):
        _refuse_foreign(folder, path)
    configs: dict[str, dict[str, Any]] = {"model_index": dict(index)}
    weights: dict[str, tuple[Path, ...]] = {}
    for part, (_, name) in named.items():
        kind = kind_of(name)
        if kind == "tokenizer":
            _check_tokenizer(folder, part)
            continue
        config = strangers.read_json(folder / part / CONFIGS[kind])
        _check_sizes(f"{part}/{CONFIGS[kind]}", config)
        configs[part] = config
        if kind == "module":
            weights[part] = _weights(folder, part)
    for path in (path for files in weights.values() for path in files):
        strangers.check_safetensors(path)
    if not weights:
        raise BadFile(
            "model_index.json of this {pipeline} names no part with weights. Copy it again.",
            pipeline=pipeline.name[:60],
        )
    total = sum(path.stat().st_size for files in weights.values() for path in files)
    found = {part: name for part, (_, name) in named.items()}
    return ModelInfo(folder.name, folder, BRIDGE, found, weights, total, configs)


def kind_of(class_name: str) -> str:
    """scheduler, tokenizer, processor, or module, which has weights."""
    if class_name.endswith("Scheduler"):
        return "scheduler"
    if "Tokenizer" in class_name or class_name == "TokenizersBackend":
        return "tokenizer"
    return "processor" if "Processor" in class_name or class_name.endswith("FeatureExtractor") else "module"


def _parts(pipeline: PipelineClass, index: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Part -> its library and class, in the order of the pipeline's own; those that it does without are left out."""
    named: dict[str, tuple[str, str]] = {}
    for part, default in pipeline.parts.items():
        match index.get(part):
            case [str(library), str(name)]:
                _check_class(part, library, name)
                named[part] = (library, name)
            case None | [None, None]:
                if default is REQUIRED and part not in index:
                    raise BadFile(
                        "{part} is missing from model_index.json; copy the whole folder again.", part=part[:40]
                    )
            case bool() | int() | float() | str():  # a setting of the pipeline, no part
                pass
            case other:
                raise BadFile(
                    "{part} in model_index.json must name a class; got {got}.", part=part[:40], got=described(other)
                )
    for part, entry in index.items():
        if isinstance(entry, list) and part not in pipeline.parts and entry != [None, None]:
            raise BadFile(
                "model_index.json names {part}, which a {pipeline} does not have. Remove it.",
                part=part[:40],
                pipeline=pipeline.name[:60],
            )
    if kind_of(named.get("scheduler", ("", ""))[1]) != "scheduler":
        raise BadFile("scheduler in model_index.json must be a scheduler of diffusers. Copy the whole folder again.")
    return named


def _check_class(part: str, library: str, name: str) -> None:
    known = CLASS_NAME.fullmatch(name) and CLASS_NAME.fullmatch(library)
    if not known or library != "transformers" and not classes.is_in_diffusers(name, library):
        raise BadFile(
            "{part} in model_index.json is {name} of {library}; only classes of diffusers and transformers "
            "are loaded, never code of a model's own. Choose another model.",
            part=part[:40],
            name=name[:40],
            library=library[:40],
        )


def _refuse_foreign(folder: Path, path: Path) -> None:
    """Raises BadFile for settings that would make a library fetch or run something else."""
    label = "/".join(path.relative_to(folder).parts[-2:])
    if path.name == "adapter_config.json":
        raise BadFile(
            "{label} puts an adapter on top of the model, which is not done here. Remove that file.", label=label
        )
    if path.stat().st_size > strangers.MOST_JSON_BYTES:
        return  # an index of shards or a tokenizer: data, and read within bounds of its own
    _refuse_settings(label, strangers.read_json(path) if path.name.endswith("config.json") else {}, 0)


def _refuse_settings(label: str, config: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise BadFile("{label} is nested deeper than any real config. Choose another model.", label=label)
    if isinstance(config, dict):
        strangers.refuse_code(label, config)
        for name in FOREIGN:
            if config.get(name):
                raise BadFile(
                    "{label} sets {name}, which is not supported: take a version with plain weights.",
                    label=label,
                    name=name,
                )
        if any("/" in str(config.get(name)) for name in ATTENTIONS):
            raise BadFile(
                "{label} names an attention kernel to be fetched, which is never done. Remove that line.", label=label
            )
    for item in config.values() if isinstance(config, dict) else config if isinstance(config, list) else ():
        _refuse_settings(label, item, depth + 1)


def _check_sizes(label: str, config: Mapping[str, Any]) -> None:
    """As `strangers.check_config`, and inside of configs within the config, as models of several parts have them."""
    for name, value in config.items():
        if isinstance(value, dict):
            _check_sizes(label, value)
        elif not name.startswith(("id2label", "label2id")):
            _check_size(label, name, value)


def _check_size(label: str, name: str, value: Any) -> None:
    if isinstance(value, list):
        if len(value) > strangers.MOST_LIST:
            raise BadFile(
                "{name} in {label} has {number} entries, more than any real model. Do not use it.",
                name=name[:40],
                label=label,
                number=len(value),
            )
        for item in value:
            _check_size(label, name, item)
    elif isinstance(value, dict):
        _check_sizes(label, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        most = BOUNDS.get(name, strangers.MOST_NUMBER)
        if not abs(value) <= most and name not in strangers.MAY_BE_INFINITE:
            raise BadFile(
                "{name} in {label} is {value}; at most {most:g} is allowed.",
                name=name[:40],
                label=label,
                value=str(value)[:20],
                most=most,
            )


def _check_tokenizer(folder: Path, part: str) -> None:
    names = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")
    if not any((folder / part / name).is_file() for name in names):
        raise BadFile("{part}/tokenizer.json is missing from the model folder; copy the whole folder again.", part=part)
    for file in (folder / part).iterdir():
        if file.suffix in PICKLES:
            raise BadFile(
                "{part}/{file} is a pickle, which can run code. Remove it or choose another model.",
                part=part,
                file=file.name[:60],
            )
        if file.is_file() and file.stat().st_size > strangers.MOST_TOKENIZER_BYTES:
            raise BadFile(
                "{part}/{file} is larger than any real one; get the model from another source.",
                part=part,
                file=file.name[:60],
            )


def _weights(folder: Path, part: str) -> tuple[Path, ...]:
    """The safetensors files of a part, under either library's name for them."""
    stems = ("diffusion_pytorch_model", "model")
    for stem in stems:
        if list((folder / part).glob(f"{stem}*.safetensors")):
            return strangers.weight_files(folder, part, stem)
    return strangers.weight_files(folder, part, stems[0])
