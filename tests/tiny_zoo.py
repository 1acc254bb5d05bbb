"""Miniature diffusers pipelines of every architecture but Stable Diffusion's own, with random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel

from tests.tiny import tiny_tokenizer

KINDS = ("sdxl", "refiner", "sd3", "sd3-without-t5", "flux-dev", "flux-schnell", "pixart")
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def tiny_pipeline(kind: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    pipeline = {
        "sdxl": _sdxl,
        "refiner": _refiner,
        "sd3": _sd3,
        "sd3-without-t5": lambda: _sd3(with_t5=False),
        "flux-dev": _flux,
        "flux-schnell": lambda: _flux(dev=False),
        "pixart": _pixart,
    }[kind]()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # T5 drops out until it is told so
    return pipeline


def tiny_model(folder: Path, kind: str, seed: int = 0) -> Path:
    tiny_pipeline(kind, seed).save_pretrained(folder)
    return folder


def _clip(kind: Any, width: int = 32, projection: int = 32) -> Any:
    tokens = len(tiny_tokenizer())
    return kind(
        CLIPTextConfig(
            vocab_size=tokens,
            hidden_size=width,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            projection_dim=projection,
            bos_token_id=tokens - 2,
            eos_token_id=tokens - 1,
            pad_token_id=tokens - 1,
        )
    )


def _t5(width: int = 32) -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(tiny_tokenizer()), d_model=width, d_kv=8, d_ff=64, num_layers=2, num_heads=4, pad_token_id=0
    )
    return T5EncoderModel(config)


def _t5_tokenizer(length: int = 512) -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = length
    return tokenizer


def _vae(channels: int = 4, shift: float | None = None) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=64,
        shift_factor=shift,
        force_upcast=False,
    )


def _unet(told: int, cross: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1),
        cross_attention_dim=cross,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        norm_num_groups=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=told,
    )


def _sdxl() -> StableDiffusionXLPipeline:
    return StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_clip(CLIPTextModel),
        text_encoder_2=_clip(CLIPTextModelWithProjection, 24, 20),
        tokenizer=tiny_tokenizer(),
        tokenizer_2=tiny_tokenizer(),
        unet=_unet(6 * 8 + 20, 32 + 24),
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
    )


def _refiner() -> StableDiffusionXLImg2ImgPipeline:
    return StableDiffusionXLImg2ImgPipeline(
        vae=_vae(),
        text_encoder=None,
        text_encoder_2=_clip(CLIPTextModelWithProjection, 24, 20),
        tokenizer=None,
        tokenizer_2=tiny_tokenizer(),
        unet=_unet(5 * 8 + 20, 24),
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
        requires_aesthetics_score=True,
        force_zeros_for_empty_prompt=False,
    )


def _sd3(with_t5: bool = True) -> StableDiffusion3Pipeline:
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=32 + 20,
            pos_embed_max_size=24,
        ),
        vae=_vae(16, shift=0.06),
        text_encoder=_clip(CLIPTextModelWithProjection),
        text_encoder_2=_clip(CLIPTextModelWithProjection, 24, 20),
        text_encoder_3=_t5(64) if with_t5 else None,
        tokenizer=tiny_tokenizer(),
        tokenizer_2=tiny_tokenizer(),
        tokenizer_3=_t5_tokenizer() if with_t5 else None,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _flux(dev: bool = True) -> FluxPipeline:
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=dev,
        ),
        vae=_vae(4, shift=0.1),
        text_encoder=_clip(CLIPTextModel),
        text_encoder_2=_t5(),
        tokenizer=tiny_tokenizer(),
        tokenizer_2=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(
            shift=3.0 if dev else 1.0, use_dynamic_shifting=dev, base_image_seq_len=4, max_image_seq_len=64
        ),
    )


def _pixart() -> PixArtAlphaPipeline:
    return PixArtAlphaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            out_channels=8,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            cross_attention_dim=32,
            caption_channels=32,
            use_additional_conditions=False,
        ),
        vae=_vae(),
        text_encoder=_t5(),
        tokenizer=_t5_tokenizer(120),
        scheduler=DPMSolverMultistepScheduler(**BETAS),
    )
