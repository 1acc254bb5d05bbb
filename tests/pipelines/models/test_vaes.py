"""A decoder in place of the model's own, and prompts read before a CLIP encoder's end."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from safetensors.torch import save_file

from pipelines import models
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import autoencoder, loading
from pipelines.diffusion.conditions import PictureContext
from pipelines.errors import BadFile, BadRequest, NotFound
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models import vaes
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests.tiny import tiny_model
from tests.tiny_zoo import tiny_model as other_model

SMALL: dict[str, Any] = {"prompt": "a red circle", "model": "kl", "width": 64, "height": 64, "seed": 3}
SMALL |= {"num_inference_steps": 2, "upscale": "none"}
LAYERS = {  # diffusers' names -> those of the first authors, for an AutoencoderKL of two levels with one block each
    "down_blocks.{i}.resnets.0": "down.{i}.block.0",
    "down_blocks.{i}.downsamplers.0.conv": "down.{i}.downsample.conv",
    "conv_norm_out": "norm_out",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
}


def kl(levels: int = 3, channels: int = 4, seed: int = 5, **more: Any) -> AutoencoderKL:
    """Of the same form as the tiny model's, with other weights."""
    torch.manual_seed(seed)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(32,) * levels,
        layers_per_block=1,
        latent_channels=channels,
        **more,
    )


def as_first_named(vae: AutoencoderKL, levels: int) -> dict[str, torch.Tensor]:
    """The same weights under the names of latent-diffusion, in which decoders count their levels from below."""
    weights = {}
    for name, tensor in vae.state_dict().items():
        for i in range(levels):
            name = name.replace(f"down_blocks.{i}.resnets.", f"down.{i}.block.")
            name = name.replace(f"down_blocks.{i}.downsamplers.0.conv", f"down.{i}.downsample.conv")
            name = name.replace(f"up_blocks.{i}.resnets.", f"up.{levels - 1 - i}.block.")
            name = name.replace(f"up_blocks.{i}.upsamplers.0.conv", f"up.{levels - 1 - i}.upsample.conv")
        for ours, theirs in LAYERS.items():
            name = name.replace(ours, theirs)
        name = name.replace("conv_shortcut", "nin_shortcut")
        square = ".attn_1." in name and name.endswith("weight") and tensor.ndim == 2
        weights[name] = (tensor[:, :, None, None] if square else tensor).contiguous().clone()
    return weights


def taesd(channels: int = 4) -> AutoencoderTiny:
    torch.manual_seed(6)
    return AutoencoderTiny(latent_channels=channels)


def as_taesd(vae: AutoencoderTiny) -> dict[str, torch.Tensor]:
    """The decoder alone, as TAESD's own file has it."""
    found = {n.removeprefix("decoder.layers."): w for n, w in vae.state_dict().items() if n.startswith("decoder.")}
    return {f"{int(n.split('.')[0]) + 1}.{n.split('.', 1)[1]}": w.clone() for n, w in found.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "kl", "kl")
    tiny_model(folder / "own-tiny", "tiny")
    other_model(folder / "sdxl", "sdxl")
    (folder / "vae").mkdir()
    scale = json.loads((folder / "kl" / "vae" / "config.json").read_text())["scaling_factor"]
    kl(scaling_factor=scale).save_pretrained(folder / "vae" / "folder")
    kl(scaling_factor=scale * 2).save_pretrained(folder / "vae" / "other-scale")
    save_file(kl().state_dict(), folder / "vae" / "diffusers.safetensors")
    save_file(as_first_named(kl(), 3), folder / "vae" / "first.safetensors")
    prefixed = {f"first_stage_model.{n}": w for n, w in as_first_named(kl(), 3).items()}
    save_file(prefixed, folder / "vae" / "prefixed.safetensors")
    save_file(kl(4).state_dict(), folder / "vae" / "four-levels.safetensors")
    save_file(kl(4, channels=6).state_dict(), folder / "vae" / "six.safetensors")
    save_file(kl(channels=16).state_dict(), folder / "vae" / "sixteen.safetensors")
    save_file(as_taesd(taesd()), folder / "vae" / "taesd_decoder.safetensors")
    save_file(taesd().state_dict(), folder / "vae" / "taesd.safetensors")
    save_file({"a": torch.zeros(2)}, folder / "vae" / "nothing.safetensors")
    (folder / "vae" / "page.safetensors").write_text("<!DOCTYPE html>")
    (folder / "vae" / "readme.txt").write_text("no decoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu", threads=1, probe=Machine)
    yield manager
    manager.close()


def paint(devices: DeviceManager, **values: Any) -> Result:
    *_, result = TextToImage().stream(TextToImageRequest.parse(SMALL | values), devices)
    assert isinstance(result, Result)
    return result


def test_what_lies_in_the_folder_can_be_chosen(home):
    assert vaes.names()[0] == "automatic"
    assert {"folder", "first.safetensors", "taesd.safetensors"} < set(vaes.names())
    assert "readme.txt" not in vaes.names()
    assert "vae" not in models.installed()


@pytest.mark.parametrize("name", ["folder", "diffusers.safetensors", "first.safetensors", "prefixed.safetensors"])
def test_each_form_of_the_same_weights_decodes_to_the_same_pixels(home, name):
    latents, noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), kl().eval()
    with torch.inference_mode():
        wanted = noise.decode(latents).sample
        loaded = autoencoder.load(vaes.inspect(vaes.find(name))).vae.decode(latents).sample
    assert torch.allclose(loaded, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["taesd.safetensors", "taesd_decoder.safetensors"])
def test_both_forms_of_a_taesd_decode_to_diffusers_pixels(home, name):
    latents = torch.randn(1, 4, 8, 8)
    with torch.inference_mode():
        wanted = taesd().eval().decode(latents).sample
        assert torch.allclose(autoencoder.load(vaes.inspect(vaes.find(name))).vae.decode(latents).sample, wanted)


def test_a_picture_is_decoded_by_the_one_that_was_chosen(home, devices):
    own, other = paint(devices), paint(devices, vae="folder")
    assert not np.array_equal(own.images, other.images)
    assert np.array_equal(other.images, paint(devices, vae="first.safetensors").images)
    assert other.recipes[0]["request"]["vae"] == "folder"
    assert "VAE: folder" in infotext.write(other.recipes[0]) and "VAE" not in infotext.write(own.recipes[0])
    assert all(model["leases"] == 0 for model in devices.loaded())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("other-scale", "other-scale does not fit kl: its latents have another scale"),
        ("sixteen.safetensors", "it has 16 latent channels, the model has 4"),
        ("four-levels.safetensors", "it has 8 pixels a latent, the model has 4"),
    ],
)
def test_a_decoder_of_other_latents_is_refused_by_name(home, devices, name, why):
    with pytest.raises(BadRequest, match=why):
        paint(devices, vae=name)


def test_a_taesd_takes_an_sdxls_latents_and_no_kl_takes_a_tiny_models(home, devices):
    paint(devices, vae="taesd.safetensors", model="sdxl")
    tiny = models.inspect(models.find("own-tiny"))
    with pytest.raises(BadRequest, match="another scale"):
        vaes.refuse_unfit(vaes.inspect(vaes.find("six.safetensors")), tiny)


@pytest.mark.parametrize(("name", "why"), [("nothing.safetensors", "no decoder"), ("page.safetensors", "web page")])
def test_a_file_that_is_no_decoder_is_refused(home, devices, name, why):
    with pytest.raises(BadFile, match=why):
        paint(devices, vae=name)


def test_a_decoder_without_all_its_weights_is_refused(home, tmp_path):
    weights = kl().state_dict()
    weights.pop("decoder.conv_out.weight")
    save_file(weights, tmp_path / "less.safetensors")
    with pytest.raises(BadFile, match="lacks weights of its decoder"):
        autoencoder.load(vaes.inspect(tmp_path / "less.safetensors"))


def test_names_from_outside_find_nothing(home):
    with pytest.raises(BadRequest, match="vae must be one of automatic"):
        TextToImageRequest.parse({"vae": "../kl"})
    with pytest.raises(NotFound):
        vaes.find("../kl")


@pytest.mark.parametrize("clip_skip", [1, 2])
def test_clip_skip_reads_that_many_layers_before_the_end_and_through_the_last_norm(home, clip_skip):
    model: Any = loading.load(models.inspect(home / "kl"))
    told = model.condition(plain("a red circle"), "original", PictureContext(64, 64, 3.0, clip_skip)).condition[
        "encoder_hidden_states"
    ]
    batch = model.tokenizer("a red circle", padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        states = model.text_encoder(batch.input_ids, output_hidden_states=True).hidden_states
        wanted = model.text_encoder.final_layer_norm(states[-clip_skip])[0]
    assert torch.allclose(told, wanted, atol=1e-6)


def test_sdxl_counts_from_the_layer_before_the_last_and_is_not_normed(home):
    model: Any = loading.load(models.inspect(home / "sdxl"))
    told = model.condition(plain("a"), "original", PictureContext(64, 64, 3.0)).condition["encoder_hidden_states"]
    with torch.inference_mode():
        states = [
            reader.encoder(
                reader.tokenizer("a", padding="max_length", max_length=16, return_tensors="pt").input_ids,
                output_hidden_states=True,
            ).hidden_states[-2][0]
            for reader in model.readers
        ]
    assert torch.allclose(told, torch.cat(states, -1), atol=1e-6)
    with pytest.raises(BadRequest, match="clip_skip must be 1 to 1"):
        model.condition(plain("a"), "original", PictureContext(64, 64, 3.0, 2))


def test_clip_skip_changes_the_picture_and_stands_in_its_recipe(home, devices):
    usual, skipped = paint(devices), paint(devices, clip_skip=2)
    assert not np.array_equal(usual.images, skipped.images)
    assert "Clip skip: 2" in infotext.write(skipped.recipes[0])
    assert infotext.parse("a\nSteps: 2, Clip skip: 2, Seed: 1")["request"]["clip_skip"] == 2
    with pytest.raises(BadRequest, match="1 to 2 for this model"):
        paint(devices, clip_skip=3)


def test_a_decoder_that_says_it_is_another_models_is_refused(home, tmp_path):
    info = models.inspect(models.find("kl"))
    for base, refused in (("stable-diffusion-v1", False), ("stable-diffusion-xl-v1-base", True)):
        file = tmp_path / f"{base}.safetensors"
        save_file(kl().state_dict(), file, {"modelspec.architecture": base})
        with pytest.raises(BadRequest, match="it was made for") if refused else nullcontext():
            vaes.refuse_unfit(vaes.inspect(file), info)


@pytest.mark.parametrize(
    ("name", "model", "doubtful"),
    [
        ("vae-ft-mse-840000-ema-pruned.safetensors", "sdxl", True),
        ("folder/sdxl_vae.safetensors", "kl", True),
        ("sdxl_vae.safetensors", "sdxl", False),
        ("vae-ft-mse-840000-ema-pruned.ckpt", "kl", False),
        ("taesd_decoder.safetensors", "sdxl", True),
        ("taesdxl_decoder.safetensors", "sdxl", False),
        ("soft.safetensors", "sdxl", False),
    ],
)
def test_a_decoder_with_another_models_name_is_doubted(home, name, model, doubtful):
    assert ("colours may be wrong" in vaes.doubt(name, models.inspect(models.find(model)))) == doubtful


def test_a_doubt_stands_with_the_picture(home, devices):
    assert "colours may be wrong" in paint(devices, vae="taesd.safetensors", model="sdxl").notes[0]
