"""Miniatures of pipelines that no loop of ours paints, with random weights: they run through the bridge."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AuraFlowPipeline,
    AuraFlowTransformer2DModel,
    AutoencoderDC,
    AutoencoderKLQwenImage,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    HunyuanDiT2DModel,
    HunyuanDiTPipeline,
    KandinskyV22CombinedPipeline,
    PriorTransformer,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from transformers import (
    BertConfig,
    BertModel,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    UMT5Config,
    UMT5EncoderModel,
)

from tests.tiny import tiny_tokenizer
from tests.tiny_zoo import _t5, _t5_tokenizer, _vae

KINDS = ("sana", "auraflow", "hunyuan", "kandinsky", "qwen")


def tiny_pipeline(kind: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    pipeline = {"sana": _sana, "auraflow": _auraflow, "hunyuan": _hunyuan, "kandinsky": _kandinsky, "qwen": _qwen}[
        kind
    ]()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def tiny_model(folder: Path, kind: str, seed: int = 0) -> Path:
    tiny_pipeline(kind, seed).save_pretrained(folder)
    return folder


def long_tokenizer(length: int = 512) -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = length
    return tokenizer


def _sana() -> SanaPipeline:
    """With the scheduler of the real ones: a DPM-Solver on a flow."""
    return SanaPipeline(
        tokenizer=long_tokenizer(),
        text_encoder=Gemma2Model(
            Gemma2Config(
                vocab_size=len(tiny_tokenizer()),
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
                max_position_embeddings=512,
            )
        ),
        vae=AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
            scaling_factor=0.41407,
        ),
        transformer=SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=16,
            sample_size=32,
        ),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
    )


def _auraflow() -> AuraFlowPipeline:
    return AuraFlowPipeline(
        tokenizer=long_tokenizer(256),
        text_encoder=UMT5EncoderModel(
            UMT5Config(vocab_size=len(tiny_tokenizer()), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
        ),
        vae=_vae(),
        transformer=AuraFlowTransformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pos_embed_max_size=256,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.73),
    )


def _hunyuan() -> HunyuanDiTPipeline:
    """Variance preserving, with a variance that the network predicts beside; two encoders of other kinds."""
    return HunyuanDiTPipeline(
        vae=_vae(),
        text_encoder=BertModel(
            BertConfig(
                vocab_size=len(tiny_tokenizer()),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
            )
        ),
        tokenizer=long_tokenizer(77),
        transformer=HunyuanDiT2DModel(
            sample_size=16,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            in_channels=4,
            cross_attention_dim=32,
            cross_attention_dim_t5=32,
            pooled_projection_dim=16,
            hidden_size=24,
            activation_fn="gelu-approximate",
        ),
        scheduler=DDPMScheduler(
            beta_start=0.00085,
            beta_end=0.018,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            clip_sample=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        text_encoder_2=_t5(),
        tokenizer_2=_t5_tokenizer(256),
    )


def _kandinsky() -> KandinskyV22CombinedPipeline:
    """Two stages: a prior makes an embedding of a picture, by a scheduler of its own; a UNet and a MoVQ paint it."""
    tokenizer = long_tokenizer(77)
    tokens = len(tokenizer)
    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1)
    return KandinskyV22CombinedPipeline(
        unet=UNet2DConditionModel(
            in_channels=4,
            out_channels=8,
            addition_embed_type="image",
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            block_out_channels=(32, 64),
            layers_per_block=1,
            encoder_hid_dim=32,
            encoder_hid_dim_type="image_proj",
            cross_attention_dim=32,
            attention_head_dim=4,
            resnet_time_scale_shift="scale_shift",
        ),
        scheduler=DDPMScheduler(beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False),
        movq=VQModel(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
            up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
            latent_channels=4,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            vq_embed_dim=4,
        ),
        prior_prior=prior,
        prior_image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=32,
                image_size=224,
                projection_dim=32,
                intermediate_size=37,
                num_attention_heads=4,
                num_hidden_layers=2,
                patch_size=14,
            )
        ),
        prior_text_encoder=CLIPTextModelWithProjection(
            CLIPTextConfig(
                vocab_size=tokens,
                hidden_size=32,
                intermediate_size=37,
                num_hidden_layers=2,
                num_attention_heads=2,
                projection_dim=32,
                max_position_embeddings=77,
                bos_token_id=tokens - 2,
                eos_token_id=tokens - 1,
                pad_token_id=tokens - 1,
            )
        ),
        prior_tokenizer=tokenizer,
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=10.0
        ),
        prior_image_processor=CLIPImageProcessor(size=224, crop_size=224),
    )


def _qwen() -> QwenImagePipeline:
    """Latents packed in twos, a decoder of films, and a language model that also has eyes."""
    tokens = len(tiny_tokenizer())
    channels = 4
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=channels,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1] * channels,
            latents_std=[1.5] * channels,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "num_key_value_heads": 2,
                    "rope_scaling": {
                        "mrope_section": [1, 1, 2],
                        "rope_type": "default",
                        "type": "default",
                    },
                    "rope_theta": 1000000.0,
                    "vocab_size": tokens,
                },
                vision_config={
                    "depth": 2,
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_heads": 2,
                    "out_hidden_size": 16,
                },
                hidden_size=16,
                vocab_size=tokens,
                vision_start_token_id=1,
                vision_end_token_id=2,
                vision_token_id=3,
            )
        ),
        tokenizer=long_tokenizer(1024),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ),
    )
