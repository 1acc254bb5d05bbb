"""What a model file is, told from its tensors: real classes made tiny, and the tensors of the files people download."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import diffusers
import pytest
import torch
import transformers

from pipelines.models.library.kinds import KINDS, SUPPORTED
from pipelines.models.library.recognise import recognise
from tests import layouts

UNET: dict[str, Any] = {
    "block_out_channels": (32, 64),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "attention_head_dim": 8,
    "norm_num_groups": 8,
}
XL: dict[str, Any] = {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
JOINT: dict[str, Any] = {"num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 2}


def unet(context: int, **more: Any) -> torch.nn.Module:
    return diffusers.UNet2DConditionModel(**UNET | {"cross_attention_dim": context} | more)


def xl(context: int = 2048, vector: int = 2816, **more: Any) -> torch.nn.Module:
    return unet(context, **XL, projection_class_embeddings_input_dim=vector, **more)


def flux(**more: Any) -> torch.nn.Module:
    small = {
        "num_single_layers": 1,
        "joint_attention_dim": 16,
        "pooled_projection_dim": 16,
        "axes_dims_rope": (2, 2, 4),
    }
    return diffusers.FluxTransformer2DModel(**JOINT | small | more)


def sd3(**more: Any) -> torch.nn.Module:
    small = {"joint_attention_dim": 16, "caption_projection_dim": 16, "pooled_projection_dim": 16, "sample_size": 8}
    return diffusers.SD3Transformer2DModel(**JOINT | small | more)


def pixart(size: int) -> torch.nn.Module:
    return diffusers.PixArtTransformer2DModel(
        **JOINT, cross_attention_dim=16, caption_channels=32, sample_size=size, use_additional_conditions=size == 128
    )


REAL: dict[str, tuple[Callable[[], torch.nn.Module], dict[str, object]]] = {
    "sd1": (lambda: unet(768), {"kind": "denoiser", "architecture": "sd1", "layout": "diffusers", "variant": ""}),
    "sd1 inpaint": (lambda: unet(768, in_channels=9), {"architecture": "sd1", "variant": "inpaint"}),
    "lcm": (lambda: unet(768, time_cond_proj_dim=16), {"architecture": "sd1", "variant": "lcm", "few_steps": "lcm"}),
    "sd2": (lambda: unet(1024), {"architecture": "sd2", "prediction_known_from": "assumed"}),
    "sdxl": (lambda: xl(), {"kind": "denoiser", "architecture": "sdxl", "variant": ""}),
    "refiner": (lambda: xl(1280, 2560), {"architecture": "sdxl-refiner"}),
    "flux dev": (lambda: flux(guidance_embeds=True), {"architecture": "flux", "variant": "dev", "layout": "diffusers"}),
    "flux schnell": (lambda: flux(guidance_embeds=False), {"architecture": "flux", "variant": "schnell"}),
    "sd3": (lambda: sd3(), {"architecture": "sd3", "variant": "medium", "layout": "diffusers"}),
    "sd3.5": (lambda: sd3(qk_norm="rms_norm", num_layers=38), {"architecture": "sd3", "variant": "3.5-large"}),
    "sd3.5 medium": (
        lambda: sd3(qk_norm="rms_norm", dual_attention_layers=(0,)),
        {"architecture": "sd3", "variant": "3.5-medium"},
    ),
    "pixart alpha": (lambda: pixart(128), {"architecture": "pixart", "variant": "alpha", "layout": "diffusers"}),
    "pixart sigma": (lambda: pixart(32), {"architecture": "pixart", "variant": "sigma"}),
    "sana": (
        lambda: diffusers.SanaTransformer2DModel(
            **JOINT, num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16,
            caption_channels=16),
        {"architecture": "sana", "layout": "diffusers"},
    ),
    "vae": (lambda: diffusers.AutoencoderKL(), {"kind": "vae", "latent_channels": 4, "layout": "diffusers"}),
    "vae of sd3": (lambda: diffusers.AutoencoderKL(latent_channels=16), {"kind": "vae", "latent_channels": 16}),
    "tiny vae": (lambda: diffusers.AutoencoderTiny(), {"kind": "vae", "variant": "tiny", "latent_channels": 4}),
    "vae of sana": (lambda: diffusers.AutoencoderDC(), {"kind": "vae", "architecture": "sana", "latent_channels": 32}),
    "clip": (
        lambda: transformers.CLIPTextModel(transformers.CLIPTextConfig(hidden_size=768, num_hidden_layers=1)),
        {"kind": "text_encoder", "architecture": "clip-l"},
    ),
    "t5": (
        lambda: transformers.T5EncoderModel(transformers.T5Config(num_layers=1, d_model=64)),
        {"kind": "text_encoder", "architecture": "t5"},
    ),
    "controlnet": (
        lambda: diffusers.ControlNetModel.from_unet(unet(768)),
        {"kind": "controlnet", "architecture": "sd1", "layout": "diffusers"},
    ),
    "controlnet of sdxl": (
        lambda: diffusers.ControlNetModel.from_unet(xl()),
        {"kind": "controlnet", "architecture": "sdxl"},
    ),
    "t2i adapter": (lambda: diffusers.T2IAdapter(channels=[32, 64]), {"kind": "controlnet", "variant": "t2i-adapter"}),
    "without text": (
        lambda: diffusers.UNet2DModel(block_out_channels=(32, 64), down_block_types=("DownBlock2D",) * 2,
                                      up_block_types=("UpBlock2D",) * 2, norm_num_groups=8),
        {"kind": "denoiser", "architecture": "unconditional"},
    ),
    "auraflow": (
        lambda: diffusers.AuraFlowTransformer2DModel(
            num_mmdit_layers=1, num_single_dit_layers=1, attention_head_dim=8, num_attention_heads=2,
            joint_attention_dim=16, caption_projection_dim=16, sample_size=8, pos_embed_max_size=16),
        {"architecture": "auraflow"},
    ),
    "qwen-image": (
        lambda: diffusers.QwenImageTransformer2DModel(**JOINT, joint_attention_dim=16, axes_dims_rope=(2, 2, 4)),
        {"architecture": "qwen-image"},
    ),
    "hunyuan-dit": (
        lambda: diffusers.HunyuanDiT2DModel(num_layers=2, attention_head_dim=8, num_attention_heads=2, hidden_size=16,
                                            sample_size=8, patch_size=2, cross_attention_dim=16, in_channels=4,
                                            cross_attention_dim_t5=16, pooled_projection_dim=16),
        {"architecture": "hunyuan-dit"},
    ),
    "wan": (
        lambda: diffusers.WanTransformer3DModel(num_attention_heads=2, attention_head_dim=12, text_dim=16, ffn_dim=16,
                                                num_layers=1, freq_dim=16),
        {"architecture": "wan"},
    ),
    "ltx": (
        lambda: diffusers.LTXVideoTransformer3DModel(num_attention_heads=2, attention_head_dim=8, num_layers=1,
                                                     cross_attention_dim=16, caption_channels=16),
        {"architecture": "ltx-video"},
    ),
}  # fmt: skip


@cache
def tensors(name: str) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a real class; on the meta device, where nothing is computed or filled."""
    with torch.device("meta"):
        return {key: tuple(tensor.shape) for key, tensor in REAL[name][0]().state_dict().items()}


@pytest.mark.parametrize("name", REAL)
def test_a_real_class_of_diffusers_is_recognised(name: str) -> None:
    found = recognise(tensors(name), {})
    assert found.kind in KINDS
    assert {field: getattr(found, field) for field in REAL[name][1]} == REAL[name][1]


@pytest.mark.parametrize("name", layouts.SUPPORTED)
def test_a_file_that_people_download_is_recognised(name: str) -> None:
    shapes, expected = layouts.SUPPORTED[name]
    found = recognise(shapes, {})
    assert {field: getattr(found, field) for field in expected} == expected
    assert found.unusable == ""


@pytest.mark.parametrize("name", layouts.UNSUPPORTED)
def test_what_is_not_supported_is_named_with_what_is(name: str) -> None:
    shapes, architecture = layouts.UNSUPPORTED[name]
    found = recognise(shapes, {})
    assert found.architecture == architecture not in SUPPORTED
    assert "not supported" in found.unusable and "FLUX.1" in found.unusable and len(found.unusable) < 300


@pytest.mark.parametrize("name", layouts.UPSCALERS)
def test_an_upscaler_tells_how_much_it_enlarges(name: str) -> None:
    shapes, scale = layouts.UPSCALERS[name]
    assert (recognise(shapes, {}).kind, recognise(shapes, {}).scale) == ("upscaler", scale)


RANK = 3


def lora_of(
    network: torch.nn.Module, of: tuple[str, ...], layout: str, part: str = "unet"
) -> dict[str, tuple[int, ...]]:
    """The tensors of a LoRA on the linear layers of a real class whose names end in one of `of`."""
    down, up = ("lora_A", "lora_B") if layout == "diffusers" else ("lora_down", "lora_up")
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Linear) and name.endswith(of):
            stem = f"{part}.{name}" if layout == "diffusers" else f"lora_{part}_{name.replace('.', '_')}"
            shapes |= {f"{stem}.{down}.weight": (RANK, module.in_features)}
            shapes |= {f"{stem}.{up}.weight": (module.out_features, RANK)}
            shapes |= {} if layout == "diffusers" else {f"{stem}.alpha": ()}
    return shapes


@pytest.mark.parametrize(("base", "make"), [("sd1", lambda: unet(768)), ("sd2", lambda: unet(1024)), ("sdxl", xl)])
@pytest.mark.parametrize("layout", ["diffusers", "kohya"])
def test_a_lora_tells_its_base_in_either_layout(base: str, make: Callable, layout: str) -> None:
    found = recognise(lora_of(make(), ("to_k", "to_q"), layout), {})
    assert (found.kind, found.architecture, found.layout, found.rank) == ("lora", base, layout, RANK)


@pytest.mark.parametrize(("make", "base"), [(flux, "flux"), (sd3, "sd3")])
@pytest.mark.parametrize("layout", ["diffusers", "kohya"])
def test_a_lora_of_a_transformer_tells_its_base(make: Callable, base: str, layout: str) -> None:
    found = recognise(lora_of(make(), ("to_k", "to_q", "add_q_proj", "proj_mlp"), layout, "transformer"), {})
    assert (found.kind, found.architecture) == ("lora", base)


@pytest.mark.parametrize(
    ("module", "base"),
    [
        ("double_blocks.0.img_attn.qkv", "flux"),
        ("double_blocks.3.txt_mlp.0", "flux"),
        ("single_blocks.37.linear1", "flux"),
        ("joint_blocks.0.x_block.attn.qkv", "sd3"),
        ("blocks.27.cross_attn.kv_linear", "pixart"),
    ],
)
def test_a_lora_of_a_transformer_in_its_own_names_tells_its_base(module: str, base: str) -> None:
    kohya, comfy = f"lora_unet_{module.replace('.', '_')}", f"diffusion_model.{module}"
    found = recognise({f"{kohya}.lora_down.weight": (4, 3072), f"{kohya}.lora_up.weight": (9216, 4)}, {})
    assert (found.kind, found.architecture, found.layout, found.rank) == ("lora", base, "kohya", 4)
    found = recognise({f"{comfy}.lora_A.weight": (4, 3072), f"{comfy}.lora_B.weight": (9216, 4)}, {})
    assert (found.kind, found.architecture, found.rank, found.unusable) == ("lora", base, 4, "")


def test_the_name_tells_pixarts_alpha_whose_tensors_are_sigmas() -> None:
    shapes = {name: tuple(t.shape) for name, t in pixart(64).state_dict().items()}
    for name, variant in (("PixArt-XL-2-512x512", "alpha"), ("PixArt-Sigma-XL-2-512-MS", "sigma"), ("", "sigma")):
        assert recognise(shapes, {}, name=name).variant == variant


@pytest.mark.parametrize(
    ("stems", "base"),
    [
        (("lora_te1_text_model_encoder_layers_0_mlp_fc1", "lora_te2_text_model_encoder_layers_0_mlp_fc1"), "sdxl"),
        (("lora_te1_text_model_encoder_layers_0_mlp_fc1", "lora_te3_encoder_block_0_layer_0_SelfAttention_q"), "flux"),
        (("lora_te2_text_model_encoder_layers_0_mlp_fc1", "lora_te3_encoder_block_0_layer_0_SelfAttention_q"), "sd3"),
        (
            ("text_encoder_2.text_model.encoder.layers.0.mlp.fc1", "transformer.transformer_blocks.0.attn.to_q"),
            "unknown",
        ),
    ],
)
def test_text_encoders_tell_the_base_only_where_they_can(stems: tuple[str, ...], base: str) -> None:
    halves = {f"{stem}.lora_{half}.weight": (4, 4) for stem in stems for half in ("down", "up")}
    assert recognise(halves, {}).architecture == base


@pytest.mark.parametrize(("ending", "family"), [("w_norm", "norm"), ("diff_b", "full")])
def test_norms_and_biases_alone_are_a_lora(ending: str, family: str) -> None:
    found = recognise({f"lora_unet_down_blocks_0_resnets_{i}_norm1.{ending}": (320,) for i in range(2)}, {})
    assert (found.kind, found.variant, found.unusable) == ("lora", family, "")


@pytest.mark.parametrize(
    ("halves", "family"),
    [
        ({"hada_w1_a": (320, 4), "hada_w1_b": (4, 768), "hada_w2_a": (320, 4), "hada_w2_b": (4, 768)}, "loha"),
        ({"lokr_w1": (8, 8), "lokr_w2_a": (40, 4), "lokr_w2_b": (4, 96)}, "lokr"),
        ({"diff": (320, 768)}, "full"),
    ],
)
def test_a_lycoris_file_is_a_lora_of_its_base(halves: dict[str, tuple[int, ...]], family: str) -> None:
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    found = recognise({f"{stem}.{name}": shape for name, shape in halves.items()} | {f"{stem}.alpha": ()}, {})
    assert (found.kind, found.architecture, found.variant, found.layout) == ("lora", "sd1", family, "lycoris")


@pytest.mark.parametrize(
    ("shapes", "base"),
    [
        ({"emb_params": (4, 768)}, "sd1"),
        ({"emb_params": (4, 1024)}, "sd2"),
        ({"<cat-toy>": (768,)}, "sd1"),
        ({"clip_l": (8, 768), "clip_g": (8, 1280)}, "sdxl"),
    ],
)
def test_a_textual_inversion_tells_its_base(shapes: dict[str, tuple[int, ...]], base: str) -> None:
    found = recognise(shapes, {})
    assert (found.kind, found.architecture) == ("textual_inversion", base)


@pytest.mark.parametrize(("width", "base"), [(768, "sd1"), (2048, "sdxl")])
def test_an_ip_adapter_tells_its_base(width: int, base: str) -> None:
    shapes = {"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, width)}
    found = recognise(shapes, {})
    assert (found.kind, found.architecture) == ("ip_adapter", base)


@pytest.mark.parametrize(
    ("names", "variant", "usable"),
    [
        (("proj.weight", "norm.weight"), "", True),
        (("latents", "proj_in.weight"), "plus", True),
        (("proj.0.weight", "proj.2.weight", "proj.3.weight"), "full-face", True),
        (("proj.0.weight", "proj.2.weight", "norm.weight"), "faceid", False),
        (("proj.0.weight", "norm.weight", "perceiver_resampler.proj_in.weight"), "faceid", False),
    ],
)
def test_how_an_ip_adapter_reads_a_picture(names: tuple[str, ...], variant: str, usable: bool) -> None:
    shapes = {f"image_proj.{name}": (768, 1280) for name in names} | {"ip_adapter.1.to_k_ip.weight": (320, 768)}
    found = recognise(shapes, {})
    assert (found.kind, found.architecture, found.variant) == ("ip_adapter", "sd1", variant)
    assert found.unusable == "" if usable else "InsightFace" in found.unusable


def test_an_image_encoder_can_be_used() -> None:
    found = recognise({"vision_model.encoder.layers.0.mlp.fc1.weight": (5120, 1280)}, {})
    assert (found.kind, found.unusable) == ("image_encoder", "")


def test_the_original_layout_of_a_controlnet() -> None:
    shapes = {f"control_model.{n}": s for n, s in layouts.unet(768, prefix="").items()}
    found = recognise(shapes | {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}, {})
    assert (found.kind, found.architecture, found.layout) == ("controlnet", "sd1", "original")


def test_what_a_file_says_of_itself_outweighs_what_is_assumed() -> None:
    shapes = layouts.SUPPORTED["sd 2"][0]
    found = recognise(shapes, {"modelspec.prediction_type": "epsilon"})
    assert (found.prediction_type, found.prediction_known_from) == ("epsilon", "file")
    assert recognise(shapes, {}, name="512-base-ema").prediction_type == "epsilon"
    assert recognise(shapes, {}, name="512-base-ema").prediction_known_from == "name"
    assert recognise(layouts.SUPPORTED["sdxl"][0], {}, name="noobai-v-pred").prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sd_xl_turbo_1.0", "turbo"),
        ("sdxl_lightning_4step", "lightning"),
        ("Hyper-SDXL-8steps", "hyper"),
        ("plain", ""),
    ],
)
def test_models_of_few_steps_are_known_by_their_names(name: str, expected: str) -> None:
    assert recognise(layouts.SUPPORTED["sdxl"][0], {}, name=name).few_steps == expected


def test_quantised_weights_are_named_and_refused() -> None:
    found = recognise(layouts.FLUX | {"img_in.weight.quant_state.bitsandbytes__nf4": (1,)}, {})
    assert found.quantised == "nf4"
    assert "nf4" in found.unusable and "float16" in found.unusable


def test_a_variant_with_other_inputs_is_named_and_refused() -> None:
    assert "instruct-pix2pix" in recognise(layouts.unet(768, 8), {}).unusable


def test_the_dtype_is_the_one_of_most_numbers() -> None:
    shapes = {"a": (1000,), "b": (10,), "c": (10,)}
    assert recognise(shapes, {}, {"a": "F16", "b": "F32", "c": "F32"}).dtype == "float16"


def test_trigger_words_come_from_the_phrase_or_from_the_tags_of_the_training() -> None:
    shapes = {"emb_params": (1, 768)}
    assert recognise(shapes, {"modelspec.trigger_phrase": "ohwx style, ink"}).trigger_words == ("ohwx style", "ink")
    tags = {"10_ink": {"ohwx": 40, "ink": 30, "1girl": 2}, "5_more": {"ohwx": 10}}
    assert recognise(shapes, {"ss_tag_frequency": json.dumps(tags)}).trigger_words == ("ohwx", "ink")


@pytest.mark.parametrize("raw", ["[" * 100_000, "{", "[1]", '{"a": 3}', '{"a": {"b": "c"}}', '{"a": {"b": -1}}'])
def test_damaged_tags_give_no_words(raw: str) -> None:
    assert recognise({"emb_params": (1, 768)}, {"ss_tag_frequency": raw}).trigger_words == ()


def test_metadata_is_text_of_bounded_length() -> None:
    found = recognise(
        {"emb_params": (1, 768)}, {"modelspec.title": "a\x00b" + "c" * 10_000, "modelspec.license": "None"}
    )
    assert found.title.startswith("ab") and len(found.title) <= 2000
    assert found.licence == ""


@pytest.mark.parametrize("shapes", [{}, {"a": ()}, {"x": (1, 2, 3)}, {"model.diffusion_model.": (1,)}])
def test_what_is_nothing_known_is_unknown(shapes: dict[str, tuple[int, ...]]) -> None:
    found = recognise(shapes, {})
    assert (found.kind, found.architecture) == ("unknown", "unknown")
    assert found.unusable
