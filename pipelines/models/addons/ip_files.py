"""What an IP-Adapter's file is, by its header alone, and the image encoder that it reads pictures with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines import places
from pipelines.errors import BadFile, NotFound
from pipelines.models import strangers
from pipelines.models.addons import files
from pipelines.models.library.denoisers import CONTEXTS
from pipelines.models.library.kinds import architecture_name

Shapes = Mapping[str, tuple[int, ...]]
PROJECTION, ATTENTION = "image_proj.", "ip_adapter."
PATCHES, PROJECTED = "vision_model.embeddings.patch_embedding.weight", "visual_projection.weight"
KNOWN_ENCODERS = {
    # what is read, and how wide -> the file's usual name
    ("summary", 768): "clip_vision_vit_l",
    ("summary", 1024): "CLIP-ViT-H-14-laion2B-s32B-b79K",
    ("summary", 1280): "CLIP-ViT-bigG-14-laion2B-39B-b160k",
    ("patches", 1024): "clip_vision_vit_l",
    ("patches", 1280): "CLIP-ViT-H-14-laion2B-s32B-b79K",
    ("patches", 1664): "CLIP-ViT-bigG-14-laion2B-39B-b160k",
}


@dataclass(frozen=True)
class Form:
    """How an IP-Adapter reads a picture: the encoder's `summary` (its projected embedding) or its `patches` (the hidden
    states before the last layer), `width` numbers each; and `context`, the width of the text that it stands beside."""

    reads: str
    width: int
    context: int

    @property
    def base(self) -> str:
        return architecture_name(CONTEXTS.get(self.context, ""))


def form_of(path: Path) -> Form:
    """Raises BadFile for what is no IP-Adapter, or one of a kind that is not supported."""
    name, shapes = files.name_of(path)[:60], strangers.check_safetensors(path)
    if not any(key.startswith(ATTENTION) for key in shapes) or not any(key.startswith(PROJECTION) for key in shapes):
        raise BadFile(
            "{name} is no IP-Adapter for Stable Diffusion: it holds {held}. Choose another file.",
            name=name,
            held=min(shapes, default="nothing")[:70],
        )
    projection = {key.removeprefix(PROJECTION): shape for key, shape in shapes.items() if key.startswith(PROJECTION)}
    context = next((shape[1] for key, shape in shapes.items() if key.endswith("to_k_ip.weight") and len(shape) == 2), 0)
    forms = (
        # a weight that only this form has, and the one whose columns are as wide as what it reads
        ("proj.weight", "proj.weight", "summary"),
        ("proj.3.weight", "proj.0.weight", "patches"),
        ("latents", "proj_in.weight", "patches"),
    )
    for mark, entrance, reads in forms:
        if mark in projection and len(projection.get(entrance, ())) == 2:
            return Form(reads, projection[entrance][1], context)
    if "perceiver_resampler.proj_in.weight" in projection or {"proj.0.weight", "norm.weight"} <= projection.keys():
        raise BadFile(
            "{name} is a FaceID adapter, which needs InsightFace to recognise faces; that is not supported. "
            "Choose a plain, a plus or a full-face IP-Adapter.",
            name=name,
        )
    raise BadFile("{name} reads pictures in a way that is not known here. Choose another IP-Adapter.", name=name)


def encoder_for(name: str, form: Form) -> Path:
    """The first image encoder here that fits. Raises NotFound with the file to get and where to put it."""
    for path in files.safe_files(files.IMAGE_ENCODER):
        try:
            shapes = strangers.check_safetensors(path)
        except BadFile:
            continue
        widths = {"summary": shapes.get(PROJECTED, (0,))[0], "patches": shapes.get(PATCHES, (0,))[0]}
        if widths[form.reads] == form.width and {PATCHES, PROJECTED} <= shapes.keys():
            return path
    known = KNOWN_ENCODERS.get((form.reads, form.width))
    wanted = f"{known}.safetensors" if known else f"a CLIP vision model with {form.reads} of width {form.width}"
    raise NotFound(
        "{name} reads pictures with an image encoder that is not here. Put {wanted} into models/{folder}.",
        name=name[:60],
        wanted=wanted,
        folder=places.FOLDERS[places.IMAGE_ENCODERS][0],
    )
