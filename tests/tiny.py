"""A miniature StableDiffusionPipeline with random weights in a diffusers folder, made in about a second."""

import shutil
import string
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from pipelines.data import subjects
from pipelines.prompts import vocabulary

FEW_WORDS = Path(__file__).parent / "few_words.json"
"""What a model of 250 subjects and eight shapes knows; `sheet.webp`, its pictures, is the sheet of subjects."""
WORDS = "a the red green blue yellow circle square triangle heart cat dog on and large small".split()
SPREAD = 8.0
BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def tiny_model(folder: Path, vae: str = "tiny", prediction_type: str = "epsilon", seed: int = 0) -> Path:
    """Save the model into `folder` and return it. `vae` is "tiny" (factor 8, as in aigc-mini) or "kl" (factor 4)."""
    pipeline = tiny_pipeline(vae, prediction_type, seed)
    pipeline.save_pretrained(folder)
    return folder


def with_few_words(folder: Path) -> Path:
    """The same, with a file that says which few words it knows, and their pictures."""
    tiny_model(folder)
    shutil.copy(FEW_WORDS, folder / vocabulary.FILE)
    shutil.copy(subjects.SHEET, folder / "sheet.webp")
    return folder


def tiny_pipeline(vae: str = "tiny", prediction_type: str = "epsilon", seed: int = 0) -> Any:
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    return StableDiffusionPipeline(
        vae=_autoencoder_tiny() if vae == "tiny" else _autoencoder_kl(),
        text_encoder=_text_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=_unet(6 if vae == "tiny" else 4, 8 if vae == "tiny" else 16),
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            prediction_type=prediction_type,
        ),
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Whole words where it knows them, else letters; 16 tokens at most; EOS has the highest id, as CLIP wants it."""
    names = [*string.printable[:95], *WORDS, BOS, EOS]
    vocab = {name: i for i, name in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="?"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ids = [(BOS, vocab[BOS]), (EOS, vocab[EOS])]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A {EOS}", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=EOS, unk_token="?", model_max_length=16
    )


def _text_encoder(tokenizer: PreTrainedTokenizerFast) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
        projection_dim=32,
        bos_token_id=len(tokenizer) - 2,
        eos_token_id=len(tokenizer) - 1,
        pad_token_id=len(tokenizer) - 1,
    )
    return CLIPTextModel(config)


def _unet(channels: int, size: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
    )


def _autoencoder_tiny() -> AutoencoderTiny:
    vae = AutoencoderTiny(
        latent_channels=6,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    last = vae.decoder.layers[-1]  # as made it gives nearly black pictures, which would hide every difference
    last.weight.data.mul_(SPREAD)
    last.bias.data.fill_(0.5)
    return vae


def _autoencoder_kl() -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )
