"""What goes beside a denoiser: VAEs, text and image encoders, and enlargers of pictures."""

import math
import re

from pipelines.models.library.denoisers import Shapes
from pipelines.models.library.kinds import Recognised

VAE_STARTS = ("first_stage_model.", "vae.")


def vae(shapes: Shapes) -> Recognised | None:
    """By its first decoder layer; 4 latent channels are of SD 1, 2 and XL alike, 16 of SD3 or FLUX, 32 of Sana."""
    for prefix in ("", *VAE_STARTS):
        if f"{prefix}decoder.middle.0.residual.0.gamma" in shapes:
            return Recognised("vae", "wan", layout="original", latent_channels=16)
        deep = re.compile(re.escape(prefix) + r"decoder\.(stages\.|up_blocks\.\d+\.\d+\.)")
        if any(deep.match(name) for name in shapes):
            first = shapes.get(f"{prefix}decoder.conv_in.weight") or shapes.get(
                f"{prefix}decoder.project_in.main.conv.weight"
            )
            return Recognised("vae", "sana", "deep-compression", "diffusers", latent_channels=_second(first))
        conv = shapes.get(f"{prefix}decoder.conv_in.weight")
        if conv and f"{prefix}decoder.conv_out.weight" in shapes and len(conv) == 4:
            original = any(name.startswith(f"{prefix}decoder.up.") for name in shapes)
            base = {4: "sd1", 16: "flux"}.get(conv[1], "unknown")
            return Recognised("vae", base, layout="original" if original else "diffusers", latent_channels=conv[1])
    first = shapes.get("decoder.layers.0.weight") or shapes.get("taesd_decoder.1.weight")
    if first and len(first) == 4:
        base = {4: "sd1", 16: "flux"}.get(first[1], "unknown")
        return Recognised("vae", base, "tiny", "diffusers", latent_channels=first[1])
    return None


def _second(shape: tuple[int, ...] | None) -> int:
    return shape[1] if shape and len(shape) > 1 else 0


def encoder(shapes: Shapes) -> Recognised | None:
    for prefix in ("", "text_model.", "transformer.text_model.", "cond_stage_model.transformer.text_model."):
        token = shapes.get(f"{prefix}embeddings.token_embedding.weight")
        if token and len(token) == 2:
            which = {768: "clip-l", 1024: "clip-h", 1280: "clip-g"}.get(token[1], "clip")
            return Recognised("text_encoder", which, layout="diffusers")
    if any("vision_model.encoder.layers.0." in name or "visual.transformer.resblocks.0." in name for name in shapes):
        return Recognised("image_encoder", "clip-vision")
    if "encoder.block.0.layer.0.SelfAttention.k.weight" in shapes:
        shared = shapes.get("shared.weight") or shapes.get("encoder.embed_tokens.weight") or ()
        return Recognised("text_encoder", "t5-xxl" if shared[-1:] in ((4096,), ()) else "t5", layout="diffusers")
    if any(name.endswith("transformer.resblocks.0.attn.in_proj_weight") for name in shapes):
        return Recognised("text_encoder", "open-clip", layout="original")
    if any(name.endswith("layers.0.self_attn.k_proj.weight") for name in shapes) and any(
        name.endswith("embed_tokens.weight") for name in shapes
    ):
        return Recognised("text_encoder", "language-model", layout="diffusers")
    return None


def upscaler(shapes: Shapes) -> Recognised | None:
    """An enlarger of pictures, and how many times it enlarges."""
    plain = {re.sub(r"^(params_ema|params|module)\.", "", name): shape for name, shape in shapes.items()}
    if any(re.match(r"(RRDB_trunk\.0\.|body\.0\.rdb1\.)", name) for name in plain):
        first = plain.get("conv_first.weight", (0, 3))
        return Recognised("upscaler", "esrgan", layout="original", scale=round(4 / math.sqrt(first[1] / 3)))
    if any(name.startswith("model.1.sub.0.RDB1.") for name in plain):
        steps = sum(bool(re.fullmatch(r"model\.\d+\.weight", name)) for name in plain) - 3
        return Recognised("upscaler", "esrgan", layout="original", scale=2 ** max(0, min(steps, 4)))
    if any(re.match(r"layers\.0\.residual_group\.blocks\.0\.attn\.", name) for name in plain):
        return Recognised("upscaler", "swinir", layout="original")
    convs = [shape for name, shape in plain.items() if re.fullmatch(r"body\.\d+\.weight", name) and len(shape) == 4]
    if len(convs) > 2 and "body.0.weight" in plain:
        return Recognised("upscaler", "srvgg", layout="original", scale=round(math.sqrt(convs[-1][0] / 3)))
    return None
