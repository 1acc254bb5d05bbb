"""Where the parts of a model lie in a file of all of them, and their tensors under diffusers' names.

The names of UNets, VAEs and text encoders are converted by diffusers itself, those of transformers by our own tables,
which LoRAs use as well. Tensors may be on the meta device: then only names and shapes are made, and no weight is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.models.library import denoisers

if TYPE_CHECKING:
    from torch import Tensor

NETWORK = "model.diffusion_model."
VAES = ("first_stage_model.", "vae.")
TEXTS: dict[str, tuple[str, ...]] = {
    # the starts under which each text encoder lies, by architecture and part; "" is a file of its own
    "sd.text_encoder": ("cond_stage_model.transformer.", "cond_stage_model.model."),
    "sdxl.text_encoder": ("conditioner.embedders.0.transformer.",),
    "sdxl.text_encoder_2": ("conditioner.embedders.1.model.", "conditioner.embedders.0.model."),
    "sd3.text_encoder": ("text_encoders.clip_l.transformer.",),
    "sd3.text_encoder_2": ("text_encoders.clip_g.transformer.",),
    "sd3.text_encoder_3": ("text_encoders.t5xxl.transformer.",),
    "flux.text_encoder": ("text_encoders.clip_l.transformer.",),
    "flux.text_encoder_2": ("text_encoders.t5xxl.transformer.",),
    "pixart.text_encoder": ("text_encoders.t5xxl.transformer.",),
}
OPEN_CLIP = ".model."
POSITIONS = "position_ids"


def start_of(names: Iterable[str], architecture: str, part: str) -> str | None:
    """What the names of a part begin with in this file; None where the part is not in it."""
    starts = {"vae": VAES, "unet": (NETWORK,), "transformer": (NETWORK,)}.get(part)
    starts = starts or TEXTS.get(f"{architecture}.{part}", ())
    known = list(names)
    return next((start for start in starts if any(name.startswith(start) for name in known)), None)


def diffusers_layout(architecture: str, part: str, tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """The part's tensors, those whose names begin with `start`, as diffusers or transformers names them.

    Raises BadFile where they are not what such a part has.
    """
    own = {name: tensor for name, tensor in tensors.items() if name.startswith(start) and POSITIONS not in name}
    try:
        return _converter(architecture, part, start)(own)
    except (KeyError, IndexError, ValueError, RuntimeError, AttributeError) as error:
        raise BadFile(
            "the file lacks tensors that the {part} of {architecture} has. Copy it again.",
            part=part,
            architecture=architecture,
        ) from error


def _theirs(converter: str) -> Any:
    """One of diffusers' converters, imported when it is needed."""
    return libs.function("diffusers.loaders.single_file_utils", converter)


def _converter(architecture: str, part: str, start: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    if part == "vae":
        return _vae
    if part.startswith("text_encoder"):
        return lambda own: _text(own, start)
    return lambda own: _network(architecture, own, start)


def _network(architecture: str, own: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    plain = _without(own, start)
    known = denoisers.find({name: tuple(tensor.shape) for name, tensor in plain.items()})
    if known is not None and known.layout == "diffusers":
        return plain
    if architecture in ("sd", "sdxl"):
        return _unet(own)
    from pipelines.models.checkpoints.original_names import ORIGINALS

    return ORIGINALS[architecture].diffusers_layout(plain)


def _unet(own: dict[str, Tensor]) -> dict[str, Tensor]:
    own = own if all(name.startswith(NETWORK) for name in own) else {NETWORK + name: t for name, t in own.items()}
    starts = {name.removeprefix(NETWORK).split(".")[0] for name in own}
    config: dict[str, object] = {"layers_per_block": _layers(own)}
    if "label_emb" in starts:
        config["addition_embed_type"] = "text_time"
    made = _theirs("convert_ldm_unet_checkpoint")(own, config)
    cond = NETWORK + "time_embed.cond_proj.weight"
    return made | ({"time_embedding.cond_proj.weight": own[cond]} if cond in own else {})


def _layers(own: Mapping[str, Tensor]) -> int:
    """Residual blocks before the first step down."""
    down = next(i for i in range(1, 20) if f"{NETWORK}input_blocks.{i}.0.op.weight" in own)
    return down - 1


def _vae(own: dict[str, Tensor]) -> dict[str, Tensor]:
    own = own if any(name.startswith(VAES) for name in own) else {VAES[0] + name: t for name, t in own.items()}
    levels = 1 + max(int(name.split("encoder.down.")[1].split(".")[0]) for name in own if "encoder.down." in name)
    blocks = ("",) * levels
    return _theirs("convert_ldm_vae_checkpoint")(own, {"down_block_types": blocks, "up_block_types": blocks})


def _text(own: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    if start.endswith(OPEN_CLIP):
        return _open_clip(own, start)
    return _without(own, start)


def _open_clip(own: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    if start.startswith("cond_stage_model"):  # Stable Diffusion 2 reads the last layer but one
        last = max(int(name.split("resblocks.")[1].split(".")[0]) for name in own if "resblocks." in name)
        own = {name: tensor for name, tensor in own.items() if f"resblocks.{last}." not in name}
        width = own[start + "ln_final.weight"].shape[0]
        own[start + "text_projection"] = own[start + "ln_final.weight"].new_zeros(width, width)  # tells only the width
        made = _theirs("convert_open_clip_checkpoint")(None, own, prefix=start)
        return {name: tensor for name, tensor in made.items() if name != "text_projection.weight"}
    return _theirs("convert_open_clip_checkpoint")(None, own, prefix=start)


def _without(own: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): tensor for name, tensor in own.items()}
