"""A checkpoint of one file as a model: which parts it holds, where those lie that it lacks, and each part in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile, Sentence
from pipelines.models import strangers
from pipelines.models.architectures import ARCHITECTURES, Architecture
from pipelines.models.checkpoints import companions, configs, layout
from pipelines.models.faults import as_bad_file
from pipelines.models.info import ModelInfo
from pipelines.models.library import recognise
from pipelines.models.library.kinds import Recognised
from pipelines.models.library.side_config import with_side_config

if TYPE_CHECKING:
    from torch import Tensor

OURS = {"sd1": "sd", "sd2": "sd", "sdxl": "sdxl", "sdxl-refiner": "sdxl", "sd3": "sd3", "flux": "flux"}
OURS |= {"pixart": "pixart"}
"""The recogniser's architectures that can be loaded from one file."""
PIPELINES = {"sd": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}
PIPELINES |= {"sd3": "StableDiffusion3Pipeline", "flux": "FluxPipeline"}
CLASSES = {"vae": "AutoencoderKL", "unet": "UNet2DConditionModel"}
CLASSES |= {"pixart.transformer": "PixArtTransformer2DModel"}
CLASSES |= {"sd3.transformer": "SD3Transformer2DModel", "flux.transformer": "FluxTransformer2DModel"}


def inspect(path: Path) -> ModelInfo:
    """Look a file over without loading it. Raises BadFile with what is wrong and what to do."""
    head = strangers.sound_header(path)
    found = with_side_config(recognise.recognise(head.shapes, head.metadata, head.dtypes, path.stem), path)
    architecture = _architecture(found)
    held, layouts = _parts(path, head.shapes, found)
    known: dict[str, dict[str, Any]] = {
        part: configs.config_of(_whose(found, part), part, layouts[part], held[part][1]) for part in held
    }
    if architecture.name == "pixart":
        known["transformer"] |= configs.pixart_positions(head.shapes, path.stem, found.variant == "alpha")
    for part, config in known.items():
        strangers.check_config(f"{path.stem}'s {part}", config)
    if found.architecture == "sd2" and found.prediction_type == "v_prediction":
        known["unet"]["sample_size"] = configs.SIZE_OF_SD2_V
    network = layouts[architecture.network]
    known["scheduler"] = configs.scheduler_of(
        architecture.name, found.prediction_type, found.zero_terminal_snr, network
    )
    refiner = found.architecture == "sdxl-refiner"
    known["model_index"] = {
        "_class_name": _pipeline(found, architecture),
        "requires_aesthetics_score": refiner,
        "force_zeros_for_empty_prompt": not refiner,
    }
    files = {part: (source[0],) for part, source in held.items()}
    total = sum(file.stat().st_size for file in {file for (file,) in files.values()})
    classes = {part: _class(architecture, part) for part in held}
    readers = (part for part in architecture.tokenizers if part.replace("tokenizer", "text_encoder") in held)
    classes |= dict.fromkeys(readers, "CLIPTokenizer")
    return ModelInfo(path.stem, path, architecture.name, classes, files, total, known)


def _architecture(found: Recognised) -> Architecture:
    if found.unusable:
        raise BadFile(found.unusable)
    if found.kind not in ("checkpoint", "denoiser"):
        raise BadFile("this file is no checkpoint but a {kind}. Choose a model.", kind=found.kind.replace("_", " "))
    if found.architecture not in OURS:
        raise BadFile("Sana is read from a diffusers folder, not from one file. Take its folder.")
    return ARCHITECTURES[OURS[found.architecture]]


def _pipeline(found: Recognised, architecture: Architecture) -> str:
    if architecture.name == "pixart":
        return "PixArtAlphaPipeline" if found.variant == "alpha" else "PixArtSigmaPipeline"
    return PIPELINES[architecture.name]


def _whose(found: Recognised, part: str) -> str:
    """The architecture that a part is of: PixArt has no autoencoder of its own."""
    if found.architecture == "pixart" and part == "vae":
        return "sd" if found.variant == "alpha" else "sdxl"
    return OURS[found.architecture]


Source = tuple[Path, str]
"""The file that holds a part, and what its names begin with there."""


def _parts(
    path: Path, shapes: Mapping[str, Any], found: Recognised
) -> tuple[dict[str, Source], dict[str, dict[str, tuple[int, ...]]]]:
    """Each part's source, and its shapes by diffusers' names. Raises BadFile where a part that is needed is missing."""
    architecture = _architecture(found)
    network = architecture.network
    held = {network: (path, layout.start_of(shapes, architecture.name, network) or "")}
    layouts = {network: _shapes(architecture.name, network, *held[network])}
    readers = ("context_embedder.weight", "caption_projection.linear_1.weight")
    reads = next((layouts[network][name][-1] for name in readers if layouts[network].get(name)), 0)
    for part in architecture.weighty:
        source = held.get(part) or _source(path, shapes, found, part, reads)
        if source is not None and part != network:
            held[part], layouts[part] = source, _shapes(architecture.name, part, *source)
    return held, layouts


def _source(path: Path, shapes: Mapping[str, Any], found: Recognised, part: str, t5_width: int) -> Source | None:
    """None for a part that is not needed."""
    architecture, whose = _architecture(found), _whose(found, part)
    start = layout.start_of(shapes, architecture.name, part)
    if start is not None:
        return path, start
    if found.architecture == "sdxl-refiner" and part == "text_encoder":
        return None
    beside = companions.find(whose, part, t5_width)
    if beside is not None:
        return beside, layout.start_of(strangers.check_safetensors(beside), architecture.name, part) or ""
    if part in architecture.optional and architecture.name != "sdxl":
        return None
    raise BadFile(companions.missing(path.stem, whose, part))


def _class(architecture: Architecture, part: str) -> str:
    (only, *_) = sorted(architecture.parts[part])
    return CLASSES.get(f"{architecture.name}.{part}") or CLASSES.get(part) or only


def _shapes(architecture: str, part: str, file: Path, start: str) -> dict[str, tuple[int, ...]]:
    """The part's shapes by diffusers' names; no weight is read."""
    torch = libs.torch()
    tensors = {
        name: torch.empty(shape, device="meta")
        for name, shape in strangers.check_safetensors(file).items()
        if name.startswith(start)
    }
    return {name: tuple(t.shape) for name, t in layout.diffusers_layout(architecture, part, tensors, start).items()}


def load_part(info: ModelInfo, part: str, dtype: Any) -> Any:
    """One part in memory, on the CPU. Raises BadFile where the tensors do not fill it."""
    from pipelines.models import building

    (file,) = info.weights[part]
    start = layout.start_of(strangers.check_safetensors(file), info.architecture, part) or ""
    tensors = layout.diffusers_layout(info.architecture, part, dict(_tensors(file, start)), start)
    kind = libs.named(
        "transformers" if info.classes[part].startswith(("CLIP", "T5")) else "diffusers", info.classes[part]
    )
    sentence = Sentence(
        "the tensors of the {part} are not those of a {kind}. Copy the file again.", part=part, kind=info.classes[part]
    )
    with as_bad_file(sentence):
        building.check(kind, info.configs[part], part, (file,), unsaid=building.ONE_HALF)
        with libs.function("accelerate", "init_empty_weights")(include_buffers=False):
            module = _empty(info, part)
        state = _fitting(module, part, tensors)
        module.load_state_dict({name: tensor.to(dtype) for name, tensor in state.items()}, strict=True, assign=True)
        return module.to(dtype)


def _tensors(file: Path, start: str) -> Iterator[tuple[str, Tensor]]:
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        for name in opened.keys():
            if name.startswith(start):
                yield name, opened.get_tensor(name)


def _empty(info: ModelInfo, part: str) -> Any:
    name, config = info.classes[part], info.configs[part]
    if name.startswith("CLIP"):
        return libs.named("transformers", name)(libs.named("transformers", "CLIPTextConfig")(**config))
    if name.startswith("T5"):
        return libs.named("transformers", name)(libs.named("transformers", "T5Config")(**config))
    return libs.named("diffusers", name).from_config(config)


def _fitting(module: Any, part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that the module has, under its names; those it lacks are in no real file left out but these two."""
    torch = libs.torch()
    wanted = module.state_dict()
    given = {name if name in wanted else name.removeprefix("text_model."): t for name, t in tensors.items()}
    if "text_projection.weight" in wanted and "text_projection.weight" not in given:  # SD3's CLIP-L: the identity
        given["text_projection.weight"] = torch.eye(wanted["text_projection.weight"].shape[0])
    if "encoder.embed_tokens.weight" in wanted and "shared.weight" in given:  # T5's one table of words
        given.setdefault("encoder.embed_tokens.weight", given["shared.weight"])
    missing = sorted(set(wanted) - set(given))
    if missing:
        raise BadFile(
            "the {part} lacks {number} of its weights ({missing}, ...). Copy the file again.",
            part=part,
            number=len(missing),
            missing=missing[0][:60],
        )
    odd = next((name for name in wanted if wanted[name].shape != given[name].shape), None)
    if odd is not None:
        raise BadFile(
            "{name} of the {part} has the shape {shape} and not {wanted}. The file mixes parts of two models.",
            name=odd[:60],
            part=part,
            shape=tuple(given[odd].shape),
            wanted=tuple(wanted[odd].shape),
        )
    return {name: given[name] for name in wanted}


def tokenizer(info: ModelInfo, part: str) -> Any:
    """CLIP's, which is shipped, or T5's, which the user brings."""
    from pipelines.models.checkpoints.clip_tokenizer import EOS, clip_tokenizer

    encoder = part.replace("tokenizer", "text_encoder")
    if info.classes.get(encoder, "").startswith("T5"):
        return companions.t5_tokenizer()
    openai = info.configs[encoder]["hidden_act"] == "quick_gelu"
    return clip_tokenizer(EOS if openai else "!")
