"""Whether a model is sound: looked over before any library loads it. Raises BadFile with what is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile, Sentence
from pipelines.models import folders, strangers
from pipelines.models.architectures import Architecture, of_pipeline
from pipelines.models.faults import as_bad_file
from pipelines.models.info import ModelInfo
from pipelines.models.sizes import native_shape
from pipelines.params import described

WEIGHT_STEMS = {"unet": "diffusion_pytorch_model", "transformer": "diffusion_pytorch_model"}
WEIGHT_STEMS |= {"vae": "diffusion_pytorch_model"}  # the text encoders' are called "model"


def inspect(place: Path) -> ModelInfo:
    """Look a model's folder or file over without loading it. Raises BadFile with what is wrong and what to do."""
    with as_bad_file(
        Sentence("{file} is not laid out as a model is. Copy it again or choose another.", file=place.name[:60])
    ):
        if place.is_dir():
            info = _inspect_folder(place)
        else:
            from pipelines.models.checkpoints import single_file

            info = single_file.inspect(place)
        _check_shape(info)
        return replace(info, name=folders.name_of(place))


def _check_shape(info: ModelInfo) -> None:
    """Raises BadFile where the configs say no size of pictures."""
    label = f"{info.network}/config.json"
    with as_bad_file(Sentence("the model's configs say no size of its pictures."), label, info.configs[info.network]):
        if not all(side >= 1 for side in native_shape(info)):
            raise ValueError("sample_size")


def _inspect_folder(folder: Path) -> ModelInfo:
    strangers.refuse_links_out(folder)
    index = strangers.read_json(folder / "model_index.json")
    architecture = of_pipeline(str(index.get("_class_name")))
    if architecture is None:
        from pipelines.models.bridged import folder as bridged

        return bridged.inspect(folder, index)
    classes = _classes(index, architecture)
    configs = {
        part: strangers.read_json(folder / part / "config.json") for part in architecture.weighty if part in classes
    }
    configs["scheduler"] = strangers.read_json(folder / "scheduler" / "scheduler_config.json")
    for part, config in configs.items():
        strangers.check_config(f"{part}/{'scheduler_config' if part == 'scheduler' else 'config'}.json", config)
    if configs[architecture.network].get("addition_embed_type") == "text_time" and architecture.name != "sdxl":
        raise BadFile("unet/config.json sets addition_embed_type, which needs inputs besides a prompt. Choose another.")
    for part in architecture.tokenizers:
        if part in classes:
            _check_tokenizer(folder, part)
    weights = {
        part: strangers.weight_files(folder, part, WEIGHT_STEMS.get(part, "model"))
        for part in architecture.weighty
        if part in classes
    }
    for path in (path for files in weights.values() for path in files):
        strangers.check_safetensors(path)
    total = sum(path.stat().st_size for files in weights.values() for path in files)
    return ModelInfo(folder.name, folder, architecture.name, classes, weights, total, configs | {"model_index": index})


def _check_tokenizer(folder: Path, part: str) -> None:
    names = ("tokenizer.json", "vocab.json", "spiece.model")
    if not any((folder / part / name).is_file() for name in names):
        raise BadFile("{part}/tokenizer.json is missing from the model folder; copy the whole folder again.", part=part)
    if (folder / part / "tokenizer_config.json").is_file():
        strangers.refuse_code(
            f"{part}/tokenizer_config.json", strangers.read_json(folder / part / "tokenizer_config.json")
        )
    for file in (folder / part).iterdir():
        if file.suffix in (".json", ".txt", ".model") and file.stat().st_size > strangers.MOST_TOKENIZER_BYTES:
            raise BadFile(
                "{part}/{file} is larger than any real one; get the model from another source.",
                part=part,
                file=file.name,
            )


def _classes(index: dict[str, Any], architecture: Architecture) -> dict[str, str]:
    """Component -> class name, all of them known."""
    classes: dict[str, str] = {}
    for part, known in architecture.parts.items():
        entry = index.get(part)
        library, name = entry if isinstance(entry, list) and len(entry) == 2 else (None, None)
        if name is None and part in architecture.optional:
            continue
        if library not in ("diffusers", "transformers") or name not in known:
            allowed = ", ".join(sorted(known)[:4])
            raise BadFile(
                "{part} in model_index.json must be one of {allowed}; got {got}.",
                part=part,
                allowed=allowed,
                got=described(entry if name is None else name),
            )
        classes[part] = str(name)
    return classes
