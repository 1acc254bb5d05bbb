"""What a model file is, from the names and shapes of its tensors and what it says of itself; no weight is read."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod

from pipelines.models.library import adapters, companions, denoisers, metadata
from pipelines.models.library.denoisers import Shapes
from pipelines.models.library.kinds import Recognised, why_unusable

FLOWS = ("sd3", "flux", "sana", "flux2", "chroma", "auraflow", "qwen-image", "z-image", "wan", "ltx-video", "lumina2")
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8", "U8": "uint8"}
DTYPES |= {"F8_E4M3": "float8_e4m3", "F8_E5M2": "float8_e5m2"}
LONGEST_DTYPE = 20
QUANTISED = (
    (".quant_state.bitsandbytes__nf4", "nf4"),
    (".quant_state.bitsandbytes__fp4", "fp4"),
    (".absmax", "bitsandbytes"),
    (".SCB", "int8 of bitsandbytes"),
    (".qweight", "packed integers"),
    (".wscales", "SVDQuant"),
)
FEW_STEPS = (("lightning", "lightning"), ("turbo", "turbo"), ("hyper", "hyper"), ("lcm", "lcm"), ("dmd", "dmd"))
TEXT_STARTS = ("cond_stage_model.", "conditioner.embedders.", "text_encoders.", "text_encoder.", "text_encoder_2.")


def recognise(
    shapes: Shapes, said: Mapping[str, str], dtypes: Mapping[str, str] | None = None, name: str = ""
) -> Recognised:
    """What the tensors are. `said` is the file's metadata; `name` gives hints where the tensors cannot tell."""
    found = _by_tensors(shapes, said)
    hints = _hints(said, name)
    if found.architecture == "pixart" and found.layout == "diffusers" and re.search(r"alpha|pixart[-_. ]?xl", hints):
        found = replace(found, variant="alpha")  # at 512 pixels its tensors are those of sigma
    found = replace(
        found,
        dtype=_dtype(shapes, dtypes or {}),
        quantised=next((word for end, word in QUANTISED if any(key.endswith(end) for key in shapes)), ""),
        few_steps=next((word for hint, word in FEW_STEPS if re.search(rf"(^|[^a-z]){hint}", hints)), ""),
        trigger_words=metadata.trigger_words(said),
        title=metadata.text(said, "modelspec.title", "ss_output_name"),
        author=metadata.text(said, "modelspec.author"),
        licence=metadata.text(said, "modelspec.license", "license"),
        description=metadata.text(said, "modelspec.description", "ss_training_comment"),
    )
    if found.kind in ("checkpoint", "denoiser"):
        found = _with_prediction(found, shapes, said, hints)
        if found.variant == "lcm":
            found = replace(found, few_steps="lcm")
    return replace(found, unusable=why_unusable(found))


def _by_tensors(shapes: Shapes, said: Mapping[str, str]) -> Recognised:
    if adapter := adapters.find(shapes):
        base = adapter.architecture if adapter.architecture != "unknown" else metadata.base(said) or "unknown"
        return Recognised(adapter.kind, base, adapter.variant, adapter.layout, rank=adapter.rank)
    if denoiser := denoisers.find(shapes):
        parts = _parts(shapes)
        kind = "checkpoint" if len(parts) > 1 else "denoiser"
        return Recognised(kind, denoiser.architecture, denoiser.variant, denoiser.layout, parts=parts)
    return companions.vae(shapes) or companions.encoder(shapes) or companions.upscaler(shapes) or Recognised("unknown")


def _parts(shapes: Shapes) -> tuple[str, ...]:
    """What a checkpoint holds beside its denoiser."""
    parts = ["denoiser"]
    parts += ["vae"] if any(name.startswith(companions.VAE_STARTS) for name in shapes) else []
    parts += ["text_encoder"] if any(name.startswith(TEXT_STARTS) for name in shapes) else []
    return tuple(parts)


def _hints(said: Mapping[str, str], name: str) -> str:
    keys = ("modelspec.title", "modelspec.architecture", "ss_base_model_version")
    return " ".join([name, *(said.get(key, "")[:200] for key in keys)]).lower()


def _with_prediction(found: Recognised, shapes: Shapes, said: Mapping[str, str], hints: str) -> Recognised:
    def known(prediction: str, source: str) -> Recognised:
        return replace(
            found, prediction_type=prediction, prediction_known_from=source, zero_terminal_snr="ztsnr" in shapes
        )

    if named := metadata.prediction(said):
        return known(named, "file")
    if "v_pred" in shapes:
        return known("v_prediction", "file")
    if "edm_mean" in shapes or "edm_vpred.sigma_max" in shapes:
        return known("edm", "file")
    if found.architecture in FLOWS:
        return known("flow_prediction", "architecture")
    if re.search(r"v[-_. ]?pred|[-_. ]v[-_. ]?param", hints):
        return known("v_prediction", "name")
    if found.architecture == "sd2":
        return _sd2_prediction(found, hints, known)
    if found.architecture in ("sd1", "sdxl", "sdxl-refiner", "pixart"):
        return known("epsilon", "architecture")
    return found


def _sd2_prediction(found: Recognised, hints: str, known: Callable[[str, str], Recognised]) -> Recognised:
    """Its 512-pixel models predict the noise and its 768-pixel ones v, with the very same tensors."""
    if found.variant in ("inpaint", "depth"):
        return known("epsilon", "architecture")
    if re.search(r"512|(^|[^a-z])(base|turbo)", hints):
        return known("epsilon", "name")
    return known("v_prediction", "name" if "768" in hints else "assumed")


def _dtype(shapes: Shapes, dtypes: Mapping[str, str]) -> str:
    """The one in which most numbers are stored."""
    numbers: Counter[str] = Counter()
    for name, dtype in dtypes.items():
        numbers[dtype] += prod(shapes.get(name, ()))
    best = numbers.most_common(1)
    return DTYPES.get(best[0][0], metadata.plain(best[0][0].lower(), LONGEST_DTYPE)) if best else ""
