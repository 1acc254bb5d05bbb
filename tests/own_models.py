"""Miniature diffusers folders of the families' own kinds with random weights, each made in a moment."""

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel, VQModel

SIDE = 16


def tiny_unet(**options: Any) -> UNet2DModel:
    torch.manual_seed(0)
    known = {
        "sample_size": SIDE,
        "in_channels": 3,
        "out_channels": 3,
        "layers_per_block": 1,
        "block_out_channels": (16, 32),
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "norm_num_groups": 8,
    }
    return UNet2DModel(**known | options).eval()


def ddpm_folder(folder: Path, unet: dict[str, Any] | None = None, **noise: Any) -> Path:
    DDPMPipeline(unet=tiny_unet(**unet or {}), scheduler=DDPMScheduler(**noise)).save_pretrained(folder)
    return folder


def ddim_folder(folder: Path, unet: dict[str, Any] | None = None, **noise: Any) -> Path:
    DDIMPipeline(unet=tiny_unet(**unet or {}), scheduler=DDIMScheduler(**noise)).save_pretrained(folder)
    return folder


def unet_folder(folder: Path, **options: Any) -> Path:
    tiny_unet(**options).save_pretrained(folder)
    return folder


def kl_folder(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    network = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        sample_size=32,
        **options,
    )
    network.save_pretrained(folder)
    return folder


def vq_folder(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    network = VQModel(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        sample_size=32,
        num_vq_embeddings=24,
        latent_channels=4,
        **options,
    )
    network.quantize.embedding.weight.data.normal_(0, 0.5)
    network.save_pretrained(folder)
    return folder
