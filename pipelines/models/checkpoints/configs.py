"""The config of each part of a checkpoint of one file, read from the shapes of its tensors.

What shapes cannot tell (how a normalisation is grouped, how latents are scaled) is what the architecture's models have
in common.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.errors import BadFile
from pipelines.models.checkpoints.layout import OPEN_CLIP

Shapes = Mapping[str, tuple[int, ...]]
"""Names as diffusers has them, and shapes."""
HEAD = 64
FLUX_HEAD = 128
PIXART_HEAD = 72
SIZE_OF_SD2_V = 96
SIZES = {"sd": 64, "sdxl": 128, "sd3": 128}
LATENTS: dict[str, tuple[float, float | None]] = {
    # scaling_factor and shift_factor of the architecture's latents
    "sd": (0.18215, None),
    "sdxl": (0.13025, None),
    "sd3": (1.5305, 0.0609),
    "flux": (0.3611, 0.1159),
}
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
PIXART_BETAS = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "num_train_timesteps": 1000}
PIXART_SIZE = 128
PIXART_SIZES = ((r"2k|2048", 256), (r"1024", 128), (r"512", 64), (r"256", 32))
"""What the names of its files hold, and the latent pixels along one side."""


def config_of(architecture: str, part: str, shapes: Shapes, start: str = "") -> dict[str, Any]:
    """As it would stand in the part's config.json; `start` is what its names began with in the file.

    Raises BadFile where the shapes are those of nothing known.
    """
    makers: dict[str, Callable[[str, Shapes], dict[str, Any]]] = {
        "unet": _unet,
        "vae": _vae,
        "transformer": {"flux": _flux, "pixart": _pixart}.get(architecture, _sd3),
    }
    try:
        if part.startswith("text_encoder"):
            openai = part == "text_encoder" and not start.endswith(OPEN_CLIP)
            return _t5(shapes) if "shared.weight" in shapes else _clip(shapes, openai)
        return makers[part](architecture, shapes)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise BadFile(
            "the tensors of the {part} do not have the shapes of a {architecture} model.",
            part=part,
            architecture=architecture,
        ) from error


def scheduler_of(
    architecture: str, prediction_type: str | None, zero_terminal_snr: bool, shapes: Shapes
) -> dict[str, Any]:
    """As it would stand in scheduler_config.json. `shapes` are those of the denoising network."""
    if architecture == "sd3":
        return {"shift": 3.0, "num_train_timesteps": 1000}
    if architecture == "flux":
        dev = any(name.startswith("time_text_embed.guidance_embedder") for name in shapes)
        return {"shift": 3.0 if dev else 1.0, "use_dynamic_shifting": dev, "num_train_timesteps": 1000}
    betas = PIXART_BETAS if architecture == "pixart" else BETAS
    return betas | {"prediction_type": prediction_type or "epsilon", "rescale_betas_zero_snr": zero_terminal_snr}


def _unet(architecture: str, shapes: Shapes) -> dict[str, Any]:
    levels = _count(shapes, r"down_blocks\.(\d+)\.")
    channels = [shapes[f"down_blocks.{i}.resnets.0.conv1.weight"][0] for i in range(levels)]
    depths = [_count(shapes, rf"down_blocks\.{i}\.attentions\.0\.transformer_blocks\.(\d+)\.") for i in range(levels)]
    cross = next(shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight"))
    linear = any(name.endswith("proj_in.weight") and len(shape) == 2 for name, shape in shapes.items())
    added = shapes.get("add_embedding.linear_1.weight")
    return {
        "sample_size": SIZES[architecture],
        "in_channels": shapes["conv_in.weight"][1],
        "out_channels": shapes["conv_out.weight"][0],
        "block_out_channels": channels,
        "layers_per_block": _count(shapes, r"down_blocks\.0\.resnets\.(\d+)\."),
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "transformer_layers_per_block": [depth or 1 for depth in depths],
        "cross_attention_dim": cross,
        # Stable Diffusion 1 has eight heads everywhere, all later ones heads of 64
        "attention_head_dim": [width // HEAD for width in channels] if linear else 8,
        "use_linear_projection": linear,
        "time_cond_proj_dim": shapes.get("time_embedding.cond_proj.weight", (0, None))[1],
        "addition_embed_type": "text_time" if added else None,
        "addition_time_embed_dim": 256 if added else None,
        "projection_class_embeddings_input_dim": added[1] if added else None,
    }


def _vae(architecture: str, shapes: Shapes) -> dict[str, Any]:
    levels = _count(shapes, r"encoder\.down_blocks\.(\d+)\.")
    scaling, shift = LATENTS[architecture]
    return {
        "block_out_channels": [shapes[f"encoder.down_blocks.{i}.resnets.0.conv1.weight"][0] for i in range(levels)],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(shapes, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."),
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "norm_num_groups": 32,
        "sample_size": 512 if architecture == "sd" else 1024,
        "scaling_factor": scaling,
        "shift_factor": shift,
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
        "force_upcast": architecture == "sdxl",
    }


def _clip(shapes: Shapes, openai: bool) -> dict[str, Any]:
    bare = {name.removeprefix("text_model."): shape for name, shape in shapes.items()}
    vocabulary, width = bare["embeddings.token_embedding.weight"]
    projection = bare.get("text_projection.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": bare["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(bare, r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(1, width // HEAD),
        "max_position_embeddings": bare["embeddings.position_embedding.weight"][0],
        "projection_dim": projection[0] if projection else width,
        "hidden_act": "quick_gelu" if openai else "gelu",
        "bos_token_id": 49406,
        "eos_token_id": 49407,
    }


def _t5(shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = shapes["shared.weight"]
    inner = shapes["encoder.block.0.layer.0.SelfAttention.q.weight"][0]
    buckets, heads = shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": inner // heads,
        "d_ff": shapes["encoder.block.0.layer.1.DenseReluDense.wi_0.weight"][0],
        "num_layers": _count(shapes, r"encoder\.block\.(\d+)\."),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
        "dense_act_fn": "gelu_new",
        "is_gated_act": True,
    }


def _sd3(architecture: str, shapes: Shapes) -> dict[str, Any]:
    width, channels, patch, _ = shapes["pos_embed.proj.weight"]
    joint = shapes["context_embedder.weight"]
    dual = re.compile(r"transformer_blocks\.(\d+)\.attn2\.")
    return {
        "sample_size": SIZES[architecture],
        "patch_size": patch,
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0] // patch**2,
        "num_layers": _count(shapes, r"transformer_blocks\.(\d+)\."),
        "attention_head_dim": HEAD,
        "num_attention_heads": width // HEAD,
        "joint_attention_dim": joint[1],
        "caption_projection_dim": joint[0],
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
        "pos_embed_max_size": math.isqrt(shapes["pos_embed.pos_embed"][1]),
        "dual_attention_layers": sorted({int(found[1]) for name in shapes if (found := dual.match(name))}),
        "qk_norm": "rms_norm" if any(name.endswith("attn.norm_q.weight") for name in shapes) else None,
    }


def _flux(architecture: str, shapes: Shapes) -> dict[str, Any]:
    width, channels = shapes["x_embedder.weight"]
    return {
        "patch_size": 1,
        "in_channels": channels,
        "num_layers": _count(shapes, r"transformer_blocks\.(\d+)\."),
        "num_single_layers": _count(shapes, r"single_transformer_blocks\.(\d+)\."),
        "attention_head_dim": FLUX_HEAD,
        "num_attention_heads": width // FLUX_HEAD,
        "joint_attention_dim": shapes["context_embedder.weight"][1],
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
        "axes_dims_rope": [16, 56, 56],
        "guidance_embeds": any(name.startswith("time_text_embed.guidance_embedder") for name in shapes),
    }


def _pixart(architecture: str, shapes: Shapes) -> dict[str, Any]:
    width, channels, patch, _ = shapes["pos_embed.proj.weight"]
    return {
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0] // patch**2,
        "patch_size": patch,
        "num_layers": _count(shapes, r"transformer_blocks\.(\d+)\."),
        "attention_head_dim": PIXART_HEAD,
        "num_attention_heads": width // PIXART_HEAD,
        "cross_attention_dim": shapes["transformer_blocks.0.attn2.to_k.weight"][1],
        "caption_channels": shapes["caption_projection.linear_1.weight"][1],
        "use_additional_conditions": "adaln_single.emb.resolution_embedder.linear_1.weight" in shapes,
    }


def pixart_positions(shapes: Shapes, name: str, alpha: bool) -> dict[str, Any]:
    """The size that it was trained on, by the table of positions in the file, else by the file's name, else 1024
    pixels; and how far apart its patches are. `shapes` are under the file's own names.

    A model's whole picture spans 32 positions, but for alpha's at 256 pixels, which spans 16.
    """
    table = next((shape for key, shape in shapes.items() if key.endswith("pos_embed") and len(shape) == 3), None)
    patch = next((shape[-1] for key, shape in shapes.items() if key.endswith("embed.proj.weight")), 2)
    said = (size for hint, size in PIXART_SIZES if re.search(rf"(^|[^0-9a-z])({hint})([^0-9]|$)", name.lower()))
    size = math.isqrt(table[1]) * patch if table else next(said, PIXART_SIZE)
    return {"sample_size": size, "interpolation_scale": max(size / 64, 1.0) if alpha else size / 64}


def _count(shapes: Shapes, numbered: str) -> int:
    """How many numbers appear in that place of the names: one more than the largest."""
    pattern = re.compile(numbered)
    return 1 + max((int(found[1]) for name in shapes if (found := pattern.match(name))), default=-1)
