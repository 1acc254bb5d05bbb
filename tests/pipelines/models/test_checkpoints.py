"""Checkpoints of one file: the same pictures as from the folder of the same weights, and clear words for the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.errors import BadFile
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.checkpoints import configs
from pipelines.models.checkpoints.clip_tokenizer import clip_tokenizer
from pipelines.models.checkpoints.original_names import FLUX, ORIGINALS, SD3
from pipelines.requests.text_to_image import TextToImageRequest
from tests.original_layout import checkpoint
from tests.tiny import tiny_tokenizer

KINDS = ("sd1", "sd2", "sdxl", "refiner", "sd3", "flux", "pixart-sigma", "pixart-alpha")
BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SIDE = 64


def clip(kind: Any, act: str = "quick_gelu") -> Any:
    return kind(
        CLIPTextConfig(
            vocab_size=49408,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=1,
            max_position_embeddings=77,
            projection_dim=64,
            hidden_act=act,
            bos_token_id=49406,
            eos_token_id=49407,
        )
    )


def vae(channels: int, scaling: float, shift: float | None = None, quant: bool = True) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32,) * 4,
        layers_per_block=1,
        latent_channels=channels,
        scaling_factor=scaling,
        shift_factor=shift,
        use_quant_conv=quant,
        use_post_quant_conv=quant,
        force_upcast=False,
    )


def unet(kind: str) -> UNet2DConditionModel:
    cross = {"sdxl": 128}.get(kind, 64)
    large = kind in ("sdxl", "refiner")
    told = {"sdxl": 6 * 256 + 64, "refiner": 5 * 256 + 64}.get(kind)
    return UNet2DConditionModel(
        sample_size=8,
        layers_per_block=2,
        block_out_channels=(64, 128),
        down_block_types=("DownBlock2D" if large else "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D" if large else "CrossAttnUpBlock2D"),
        transformer_layers_per_block=(1, 2) if large else 1,
        cross_attention_dim=cross,
        attention_head_dim=8 if kind == "sd1" else (1, 2),
        use_linear_projection=kind != "sd1",
        addition_embed_type="text_time" if large else None,
        addition_time_embed_dim=256 if large else None,
        projection_class_embeddings_input_dim=told,
    )


def pipeline(kind: str) -> Any:
    torch.manual_seed(0)
    if kind.startswith("pixart"):
        made = _pixart(kind)
    else:
        made = _flow(kind) if kind in ("sd3", "flux") else _unet_pipeline(kind)
    for part in made.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    return made


def _unet_pipeline(kind: str) -> Any:
    shared = {"vae": vae(4, 0.13025 if kind in ("sdxl", "refiner") else 0.18215), "unet": unet(kind)}
    shared["scheduler"] = DDIMScheduler(**BETAS, prediction_type="v_prediction" if kind == "sd2" else "epsilon")
    if kind in ("sd1", "sd2"):
        return StableDiffusionPipeline(
            **shared,
            text_encoder=clip(CLIPTextModel, "quick_gelu" if kind == "sd1" else "gelu"),
            tokenizer=clip_tokenizer() if kind == "sd1" else clip_tokenizer("!"),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    refiner = {"requires_aesthetics_score": True} if kind == "refiner" else {}
    return (StableDiffusionXLImg2ImgPipeline if refiner else StableDiffusionXLPipeline)(
        **shared,
        **refiner,
        text_encoder=clip(CLIPTextModel) if kind == "sdxl" else None,
        tokenizer=clip_tokenizer() if kind == "sdxl" else None,
        text_encoder_2=clip(CLIPTextModelWithProjection, "gelu"),
        tokenizer_2=clip_tokenizer("!"),
        force_zeros_for_empty_prompt=kind == "sdxl",
    )


def t5() -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(tiny_tokenizer()),
        d_model=64,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config)


def t5_tokenizer() -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = 512
    return tokenizer


def _flow(kind: str) -> Any:
    if kind == "flux":
        return FluxPipeline(
            transformer=FluxTransformer2DModel(
                in_channels=64,
                num_layers=1,
                num_single_layers=1,
                num_attention_heads=1,
                joint_attention_dim=64,
                pooled_projection_dim=64,
                guidance_embeds=True,
            ),
            vae=vae(16, 0.3611, 0.1159, quant=False),
            text_encoder=clip(CLIPTextModel),
            tokenizer=clip_tokenizer(),
            text_encoder_2=t5(),
            tokenizer_2=t5_tokenizer(),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        )
    first, second = clip(CLIPTextModelWithProjection), clip(CLIPTextModelWithProjection, "gelu")
    first.text_projection.weight.data.copy_(torch.eye(64))  # as SD3's file means it by leaving it out
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            in_channels=16,
            num_layers=2,
            attention_head_dim=64,
            num_attention_heads=2,
            joint_attention_dim=128,
            caption_projection_dim=128,
            pooled_projection_dim=128,
            pos_embed_max_size=24,
        ),
        vae=vae(16, 1.5305, 0.0609, quant=False),
        text_encoder=first,
        tokenizer=clip_tokenizer(),
        text_encoder_2=second,
        tokenizer_2=clip_tokenizer("!"),
        text_encoder_3=None,
        tokenizer_3=None,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _pixart(kind: str) -> Any:
    """Alpha is told the picture's size; sigma decodes with the autoencoder of SDXL."""
    alpha = kind == "pixart-alpha"
    return (PixArtAlphaPipeline if alpha else PixArtSigmaPipeline)(
        transformer=PixArtTransformer2DModel(
            sample_size=128,
            in_channels=4,
            out_channels=8,
            num_layers=2,
            attention_head_dim=72,
            num_attention_heads=2,
            cross_attention_dim=144,
            caption_channels=64,
            use_additional_conditions=alpha,
        ),
        vae=vae(4, 0.18215 if alpha else 0.13025),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        scheduler=DDIMScheduler(beta_start=0.0001, beta_end=0.02, beta_schedule="linear"),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Each kind twice: as a diffusers folder and as one file; FLUX's encoders and VAE in files of their own."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("checkpoints", "text_encoders", "vae", "tokenizers/t5"):
        (folder / name).mkdir(parents=True)
    encoder: Any = None
    for kind in KINDS:
        made = pipeline(kind)
        encoder = made.text_encoder_2 if kind == "flux" else encoder
        made.save_pretrained(folder / f"{kind}-folder")
        save_file(checkpoint(made, kind), folder / "checkpoints" / f"{kind}-file.safetensors")
        if kind == "flux":
            save_file(made.text_encoder.state_dict(), folder / "text_encoders" / "clip_l.safetensors")
            save_file(_t5_state(made.text_encoder_2), folder / "text_encoders" / "t5xxl_fp16.safetensors")
            made.tokenizer_2.save_pretrained(folder / "tokenizers" / "t5")
            save_file(checkpoint_vae(made), folder / "vae" / "ae.safetensors")
        if kind.startswith("pixart"):
            usual = "sdxl_vae" if kind == "pixart-sigma" else "vae-ft-mse-840000-ema-pruned"
            save_file(checkpoint_vae(made), folder / "vae" / f"{usual}.safetensors")
            made.text_encoder.load_state_dict(encoder.state_dict())
            made.text_encoder.save_pretrained(folder / f"{kind}-folder" / "text_encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def checkpoint_vae(made: Any) -> dict[str, torch.Tensor]:
    from tests.original_layout import vae as original

    return {name: tensor.contiguous() for name, tensor in original(made.vae.state_dict()).items()}


def _t5_state(encoder: Any) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in encoder.state_dict().items() if name != "encoder.embed_tokens.weight"}


def paint(devices: DeviceManager, model: str, **more: Any) -> Result:
    asked = {
        "prompt": "a photo of a cat",
        "negative_prompt": "dog",
        "model": model,
        "num_inference_steps": 2,
        "seed": 1,
    }
    asked |= {"width": SIDE, "height": SIDE, "upscale": "none"} | more
    *_, result = TextToImage().stream(TextToImageRequest.parse(asked), devices)
    assert isinstance(result, Result)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_file_paints_what_the_folder_of_the_same_weights_paints(home, devices, kind):
    from_file, from_folder = (paint(devices, f"{kind}-{form}").images for form in ("file", "folder"))
    assert from_folder.std() > 1
    assert np.abs(from_file.astype(int) - from_folder).max() <= 1


@pytest.mark.parametrize("kind", ["flux", "pixart-sigma", "pixart-alpha"])
def test_a_transformer_alone_in_diffusers_names_paints_what_the_folder_paints(home, devices, kind):
    tensors = load_file(home / f"{kind}-folder" / "transformer" / "diffusion_pytorch_model.safetensors")
    save_file(tensors, home / "checkpoints" / f"{kind}-plain.safetensors")
    alone, from_folder = (paint(devices, f"{kind}-{form}").images for form in ("plain", "folder"))
    assert np.abs(alone.astype(int) - from_folder).max() <= 1


def test_pixart_is_sized_by_its_table_of_positions_or_by_its_name(home):
    def positions(name: str, table: tuple[int, ...] | None = None, alpha: bool = False) -> list[float]:
        shapes = {"x_embedder.proj.weight": (144, 4, 2, 2)} | ({"pos_embed": table} if table else {})
        return list(configs.pixart_positions(shapes, name, alpha).values())

    assert positions("PixArt-Sigma-XL-2-512-MS") == [64, 1]
    assert positions("PixArt-Sigma-XL-2-2K-MS") == [256, 4]
    assert positions("PixArt-Sigma-XL-2-256x256") == [32, 0.5]
    assert positions("PixArt-XL-2-256x256", alpha=True) == [32, 1]
    assert positions("mine-v2") == positions("PixArt-XL-2-1024-MS", alpha=True) == [128, 2]
    assert positions("PixArt-Sigma-XL-2-512-MS", (1, 16384, 144)) == [256, 4]


def test_pixart_without_its_reader_says_what_to_put_where(home, monkeypatch, tmp_path):
    lonely = tmp_path / "pixart.safetensors"
    save_file(load_file(home / "checkpoints" / "pixart-sigma-file.safetensors"), lonely)
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    with pytest.raises(BadFile, match="without its vae. Put sdxl_vae.safetensors into models/vae"):
        models.inspect(lonely)
    (tmp_path / "vae").symlink_to(home / "vae")
    with pytest.raises(BadFile, match="without its text_encoder. Put t5xxl_fp16.safetensors .*tokenizers/t5"):
        models.inspect(lonely)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_arrives_in_its_place(home, kind):
    file, folder = (loading.load(models.inspect(models.find(f"{kind}-{form}"))) for form in ("file", "folder"))
    for part in file.info.weights:
        ours, theirs = file.part(part).state_dict(), folder.part(part).state_dict()
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_half_precision_files_are_half_as_large_and_load(home, devices):
    tensors = load_file(home / "checkpoints" / "sd1-file.safetensors")
    save_file({name: tensor.half() for name, tensor in tensors.items()}, home / "checkpoints" / "sd1-half.safetensors")
    exact, half = paint(devices, "sd1-file").images, paint(devices, "sd1-half").images
    assert np.abs(exact.astype(int) - half).mean() < 3


def test_the_name_says_that_a_model_predicts_v(home):
    assert models.inspect(models.find("sd2-file")).configs["scheduler"]["prediction_type"] == "v_prediction"
    assert models.inspect(models.find("sd1-file")).configs["scheduler"]["prediction_type"] == "epsilon"


def test_a_denoiser_without_its_encoders_says_what_to_put_where(home, monkeypatch, tmp_path):
    lonely = tmp_path / "flux.safetensors"
    save_file(load_file(home / "checkpoints" / "flux-file.safetensors"), lonely)
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    with pytest.raises(BadFile, match=r"without its (vae|text_encoder).*models/(vae|text_encoders)"):
        models.inspect(lonely)


def original_tensors(architecture: str, blocks: int, width: int) -> dict[str, torch.Tensor]:
    """Every tensor that the table of an architecture names; `width` rows for each of diffusers' modules."""
    names, tensors = ORIGINALS[architecture], {}
    for module, ours in names.rows.items():
        shares = names.shares.get(module, (1,) * len(ours))
        rows = 2 * width if "adaLN" in module else sum(shares) * width
        for i in range(blocks if "{}" in module else 1):
            for kind in ("scale",) if "_norm" in module else ("weight", "bias"):
                tensors[f"{module.format(i)}.{kind}"] = torch.randn(rows, 1)
    return tensors


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_flux_names_are_converted_as_diffusers_converts_them_at_full_width():
    from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers

    tensors = original_tensors("flux", 2, 3072)
    assert same(FLUX.diffusers_layout(tensors), convert_flux_transformer_checkpoint_to_diffusers(dict(tensors)))


def test_sd3_names_are_converted_as_diffusers_converts_them():
    """Of its 3.5, with a second attention and normalised queries and keys; the last block says less of the words."""
    from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers

    tensors = original_tensors("sd3", 3, 64)
    less = ("attn.proj", "mlp.fc1", "mlp.fc2")
    tensors = {
        name: t
        for name, t in tensors.items()
        if not name.startswith(tuple(f"joint_blocks.2.context_block.{m}" for m in less))
    }
    tensors = {name: t for name, t in tensors.items() if ".ln_" not in name or name.endswith("weight")}
    tensors["pos_embed"] = tensors.pop("pos_embed.weight")
    del tensors["pos_embed.bias"]
    tensors["context_embedder.weight"] = torch.randn(64, 8)
    assert same(SD3.diffusers_layout(tensors), convert_sd3_transformer_checkpoint_to_diffusers(dict(tensors)))


def test_the_shipped_vocabulary_is_clips_own():
    tokenizer = clip_tokenizer()
    assert len(tokenizer) == 49408
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert clip_tokenizer("!")("a cat", padding="max_length", max_length=6).input_ids == [49406, 320, 2368, 49407, 0, 0]


DAMAGES: dict[str, tuple[Any, str]] = {
    "a tensor is missing": (lambda t: t.pop("model.diffusion_model.out.2.weight"), "weights|lacks|shapes"),
    "half the keys": (lambda t: [t.pop(name) for name in sorted(t)[::2]], "lacks|shapes|belong|supported"),
    "no vae": (lambda t: [t.pop(n) for n in list(t) if n.startswith("first_stage")], "without its vae"),
    "not a number": (lambda t: t["model.diffusion_model.out.2.bias"].fill_(float("nan")), "not numbers"),
    "another width": (
        lambda t: t.update({"model.diffusion_model.time_embed.0.weight": torch.zeros(7, 64)}),
        "shape",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_refused_in_words(home, tmp_path, monkeypatch, name):
    damage, words = DAMAGES[name]
    tensors = load_file(home / "checkpoints" / "sd1-file.safetensors")
    damage(tensors)
    save_file(tensors, tmp_path / "bad.safetensors")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    with pytest.raises(BadFile, match=words) as caught:
        loading.load(models.inspect(tmp_path / "bad.safetensors"))
    assert len(str(caught.value)) < 300 and str(tmp_path) not in str(caught.value)
