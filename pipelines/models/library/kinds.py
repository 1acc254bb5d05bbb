"""Kinds of model files and architectures by name, which of them can be used, and the sentence for those that cannot."""

from dataclasses import dataclass

from pipelines.errors import Sentence

KINDS = (
    "pipeline",  # a diffusers folder
    "checkpoint",  # a denoiser with its VAE, its text encoders or both, in one file
    "denoiser",  # the U-Net or transformer alone
    "vae",
    "text_encoder",
    "lora",
    "textual_inversion",
    "controlnet",
    "ip_adapter",
    "upscaler",
    "motion_module",
    "image_encoder",
    "unknown",
)
NAMES = {
    "sd1": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "Stable Diffusion XL",
    "sdxl-refiner": "Stable Diffusion XL refiner",
    "sd3": "Stable Diffusion 3",
    "flux": "FLUX.1",
    "pixart": "PixArt",
    "sana": "Sana",
    "flux2": "FLUX.2",
    "flux3": "FLUX.3",
    "chroma": "Chroma",
    "auraflow": "AuraFlow",
    "qwen-image": "Qwen-Image",
    "z-image": "Z-Image",
    "lumina2": "Lumina 2",
    "hunyuan-dit": "Hunyuan-DiT",
    "hunyuan-video": "HunyuanVideo",
    "wan": "Wan",
    "ltx-video": "LTX-Video",
    "cosmos": "Cosmos",
    "mochi": "Mochi",
    "hidream": "HiDream",
    "stable-cascade": "Stable Cascade",
    "kandinsky": "Kandinsky",
    "svd": "Stable Video Diffusion",
    "clip-vision": "CLIP",
    "unconditional": "a U-Net without text",
    "unknown-unet": "a U-Net of no known model",
}
SUPPORTED = ("sd1", "sd2", "sdxl", "sdxl-refiner", "sd3", "flux", "pixart", "sana")
OTHER_INPUTS = ("instruct-pix2pix", "upscale", "depth", "unclip", "control")
"""Variants that need another picture beside the prompt, which is not offered."""


NONE = Sentence("")


@dataclass(frozen=True)
class Recognised:
    """What a file is. `unusable` is "" or a sentence that says why it cannot be used, and what could be.

    `prediction_known_from` says how sure `prediction_type` is: "file" (said in it), "name", "architecture" (all of its
    kind), or "assumed" (models of its kind differ and nothing tells which this is).
    """

    kind: str
    architecture: str = "unknown"
    variant: str = ""
    layout: str = ""
    prediction_type: str | None = None
    prediction_known_from: str = ""
    zero_terminal_snr: bool = False
    few_steps: str = ""
    dtype: str = ""
    quantised: str = ""
    rank: int = 0
    latent_channels: int = 0
    scale: int = 0
    parts: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    title: str = ""
    author: str = ""
    licence: str = ""
    description: str = ""
    unusable: Sentence = NONE


def architecture_name(architecture: str) -> str:
    return NAMES.get(architecture, Sentence("a model of no known kind"))


def why_unusable(found: Recognised) -> Sentence:
    """A sentence that names what it is and what could be used instead, or ""."""
    usable = ", ".join(NAMES[name] for name in SUPPORTED)
    whose = architecture_name(found.architecture)
    if found.kind == "unknown":
        return Sentence("These tensors belong to no kind of model that is known here. It can be kept, not used.")
    if found.kind == "motion_module":
        return Sentence("A motion module is known by its tensors, but nothing here uses one yet.")
    if found.kind == "ip_adapter" and found.variant == "faceid":
        return Sentence(
            "A FaceID adapter needs InsightFace to recognise faces. Take a plain, plus or full-face IP-Adapter."
        )
    if found.kind == "ip_adapter" and found.architecture not in ("sd1", "sd2", "sdxl", "unknown"):
        return Sentence("This IP-Adapter is for {whose}; those for Stable Diffusion 1 and XL can be used.", whose=whose)
    if found.quantised:
        return Sentence(
            "Its weights are packed as {quantised}; take a version in float16, bfloat16, float32 or float8.",
            quantised=found.quantised,
        )
    if found.kind in ("checkpoint", "denoiser", "pipeline") and found.architecture not in SUPPORTED:
        return Sentence("This is {whose}, which is not supported. Supported are {usable}.", whose=whose, usable=usable)
    if found.kind in ("checkpoint", "denoiser") and found.variant in OTHER_INPUTS:
        return Sentence(
            "This is {whose} for {variant}, which needs another picture beside the prompt. Take its base model.",
            whose=whose,
            variant=found.variant,
        )
    if found.kind in ("lora", "controlnet", "ip_adapter", "textual_inversion"):
        if found.architecture not in (*SUPPORTED, "unknown"):
            return Sentence(
                "It belongs to {whose}, which is not supported. Supported are {usable}.", whose=whose, usable=usable
            )
    return NONE
