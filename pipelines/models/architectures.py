"""The diffusion architectures: what each is made of, and which file knows how its prompt is read and its network asked.

This table is all that looking a model over needs; torch comes with the modules it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BRIDGE = "bridge"
"""The architecture of models that paint by their own pipeline's loop (see pipelines/diffusion/bridge)."""
CLIP, CLIP_PROJECTED, T5 = "CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel"
CLIP_TOKENIZERS = frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"})
T5_TOKENIZERS = frozenset({"T5Tokenizer", "T5TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"})
BETA_SCHEDULERS = frozenset(  # only its settings are read, so that it matters little which one it is
    "DDIMScheduler DDPMScheduler PNDMScheduler LMSDiscreteScheduler EulerDiscreteScheduler HeunDiscreteScheduler "
    "EulerAncestralDiscreteScheduler DPMSolverMultistepScheduler UniPCMultistepScheduler LCMScheduler "
    "KDPM2DiscreteScheduler KDPM2AncestralDiscreteScheduler DPMSolverSinglestepScheduler DEISMultistepScheduler "
    "TCDScheduler".split()
)
FLOW_SCHEDULERS = frozenset({"FlowMatchEulerDiscreteScheduler"})


def _one(*names: str) -> frozenset[str]:
    return frozenset(names)


@dataclass(frozen=True)
class Architecture:
    """A kind of model: diffusers' names of its pipelines, its parts and the classes that each may be of.

    `network` is the part that denoises; `optional` parts may be missing; `module` holds the class that runs it.
    `guidance_scale` and `steps` are what its models are commonly used with."""

    name: str
    label: str
    module: str
    pipelines: frozenset[str]
    parts: Mapping[str, frozenset[str]]
    network: str = "unet"
    optional: frozenset[str] = frozenset()
    guidance_scale: float = 7.0
    steps: int = 25

    @property
    def weighty(self) -> tuple[str, ...]:
        """The parts that have weights."""
        return tuple(part for part in self.parts if not part.startswith(("tokenizer", "scheduler")))

    @property
    def tokenizers(self) -> tuple[str, ...]:
        return tuple(part for part in self.parts if part.startswith("tokenizer"))


_UNET = {
    "unet": _one("UNet2DConditionModel"),
    "vae": _one("AutoencoderKL", "AutoencoderTiny", "AutoencoderDC"),
    "scheduler": BETA_SCHEDULERS,
}
_TRANSFORMER_VAE = {"vae": _one("AutoencoderKL", "AutoencoderTiny")}

ARCHITECTURES: dict[str, Architecture] = {
    known.name: known
    for known in (
        Architecture(
            "sd",
            "Stable Diffusion 1 and 2",
            "pipelines.diffusion.architectures.sd",
            _one("StableDiffusionPipeline", "StableDiffusionInpaintPipeline", "LatentConsistencyModelPipeline"),
            _UNET | {"text_encoder": _one(CLIP), "tokenizer": CLIP_TOKENIZERS},
        ),
        Architecture(
            "sdxl",
            "Stable Diffusion XL",
            "pipelines.diffusion.architectures.sdxl",
            _one("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline"),
            _UNET
            | {"text_encoder": _one(CLIP), "text_encoder_2": _one(CLIP_PROJECTED)}
            | {"tokenizer": CLIP_TOKENIZERS, "tokenizer_2": CLIP_TOKENIZERS},
            optional=_one("text_encoder", "tokenizer"),  # the refiner reads with one encoder
            guidance_scale=5.0,
        ),
        Architecture(
            "sd3",
            "Stable Diffusion 3",
            "pipelines.diffusion.architectures.sd3",
            _one("StableDiffusion3Pipeline"),
            {"transformer": _one("SD3Transformer2DModel"), "scheduler": FLOW_SCHEDULERS}
            | _TRANSFORMER_VAE
            | {"text_encoder": _one(CLIP_PROJECTED), "text_encoder_2": _one(CLIP_PROJECTED), "text_encoder_3": _one(T5)}
            | {"tokenizer": CLIP_TOKENIZERS, "tokenizer_2": CLIP_TOKENIZERS, "tokenizer_3": T5_TOKENIZERS},
            network="transformer",
            optional=_one("text_encoder_3", "tokenizer_3"),  # it was trained with the large one left out at times
            guidance_scale=5.0,
            steps=28,
        ),
        Architecture(
            "flux",
            "FLUX.1",
            "pipelines.diffusion.architectures.flux",
            _one("FluxPipeline"),
            {"transformer": _one("FluxTransformer2DModel"), "scheduler": FLOW_SCHEDULERS}
            | _TRANSFORMER_VAE
            | {"text_encoder": _one(CLIP), "text_encoder_2": _one(T5)}
            | {"tokenizer": CLIP_TOKENIZERS, "tokenizer_2": T5_TOKENIZERS},
            network="transformer",
            guidance_scale=3.5,
            steps=28,
        ),
        Architecture(
            "pixart",
            "PixArt",
            "pipelines.diffusion.architectures.pixart",
            _one("PixArtAlphaPipeline", "PixArtSigmaPipeline"),
            {"transformer": _one("PixArtTransformer2DModel", "Transformer2DModel"), "scheduler": BETA_SCHEDULERS}
            | _TRANSFORMER_VAE
            | {"text_encoder": _one(T5), "tokenizer": T5_TOKENIZERS},
            network="transformer",
            guidance_scale=4.5,
            steps=20,
        ),
    )
}


def of_pipeline(class_name: str) -> Architecture | None:
    """The architecture of a diffusers pipeline's class, if it is one of ours."""
    return next((known for known in ARCHITECTURES.values() if class_name in known.pipelines), None)
