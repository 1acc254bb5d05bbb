"""ControlNets beside our UNets: diffusers' own numbers, each row its own picture, and what does not fit named."""

import copy
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from PIL import Image

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons import control, control_loading
from pipelines.diffusion.addons.canny import canny
from pipelines.diffusion.addons.lora_keys import original_names
from pipelines.errors import BadRequest, NotFound, StudioError
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.addons import files
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import our_loop, tiny, tiny_addons, tiny_zoo

SIDE, STEPS, SCALE = 64, 4, 2.5
HINT = (4, 8, 8, 16)
PICTURE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
ID = "0" * 64


def tiny_control(unet: Any, seed: int = 0, hint: tuple[int, ...] = HINT) -> ControlNetModel:
    """As made a ControlNet says nothing: its last convolutions are zero, so they get weights here."""
    torch.manual_seed(seed)
    module = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=hint)
    if unet.config.addition_embed_type == "text":
        module.add_embedding = copy.deepcopy(unet.add_embedding)
    for name, parameter in module.named_parameters():
        if name.startswith(("controlnet_down", "controlnet_mid", "controlnet_cond_embedding.conv_out")):
            parameter.data.normal_(0, 0.2)
    return module.eval()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    for kind, pipeline in (("sd", tiny.tiny_pipeline()), ("sdxl", tiny_zoo.tiny_pipeline("sdxl"))):
        pipeline.save_pretrained(folder / kind)
        module = tiny_control(pipeline.unet)
        module.save_pretrained(folder / "controlnet" / f"folder-{kind}")
        tiny_addons.save(folder / "ControlNet", f"file-{kind}", module.state_dict())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def asked(**more: Any) -> TextToImageRequest:
    fields = {"model": "sd", "prompt": "a red circle", "negative_prompt": "a cat", "width": SIDE, "height": SIDE}
    fields |= {"seed": 3, "num_inference_steps": STEPS, "guidance_scale": SCALE, "upscale": "none"}
    fields |= {"control_image": ID, "control_model": "folder-sd"}
    return replace(TextToImageRequest.of(**fields | more), pictures={"control_image": PICTURE})


def ours(kind: str, home: Path, noise: torch.Tensor, scheduler: Any, request: TextToImageRequest) -> torch.Tensor:
    model = loading.load(models.inspect(home / kind))
    path = our_loop.path_of(model, scheduler, STEPS)
    devices = DeviceManager("cpu", threads=1)
    with control.attached(request, model, devices) as attachments:
        model, network = our_loop.beside(model, attachments, path, tuple(noise.shape[1:]))
        latents = our_loop.ddim(model, network, path, request, noise)
    devices.close()
    return latents


def theirs_with(kind: str, controlnet: Any) -> Any:
    pipeline = tiny.tiny_pipeline() if kind == "sd" else tiny_zoo.tiny_pipeline(kind)
    whole = StableDiffusionControlNetPipeline if kind == "sd" else StableDiffusionXLControlNetPipeline
    more = {"requires_safety_checker": False} if kind == "sd" else {}
    parts = pipeline.components | {"scheduler": DDIMScheduler(**tiny_zoo.BETAS, clip_sample=False, steps_offset=1)}
    theirs = whole(**parts, controlnet=controlnet, **more)
    theirs.set_progress_bar_config(disable=True)
    return theirs


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "file"])
@pytest.mark.parametrize("between", [(0.0, 1.0), (0.25, 0.75)])
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_our_loop_equals_diffusers(home, kind, form, between):
    pipeline = tiny.tiny_pipeline() if kind == "sd" else tiny_zoo.tiny_pipeline(kind)
    theirs = theirs_with(kind, tiny_control(pipeline.unet))
    channels = pipeline.unet.config.in_channels
    noise = torch.randn(1, channels, 8, 8, generator=torch.Generator().manual_seed(3))
    request = asked(control_model=f"{form}-{kind}", control_scale=0.8, control_start=between[0], control_end=between[1])
    expected = theirs(
        request.prompt,
        negative_prompt=request.negative_prompt,
        image=Image.fromarray(PICTURE),
        controlnet_conditioning_scale=0.8,
        control_guidance_start=between[0],
        control_guidance_end=between[1],
        **{"height": SIDE, "width": SIDE, "num_inference_steps": STEPS, "guidance_scale": SCALE},
        latents=noise,
        output_type="latent",
    ).images
    got = ours(kind, home, noise, DDIMScheduler.from_config(theirs.scheduler.config), request)
    assert float((got - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.std()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_several_together_equal_diffusers(home, kind):
    """Each with a picture, a strength and steps of its own; the second and the third unit of the request."""
    unet = (tiny.tiny_pipeline() if kind == "sd" else tiny_zoo.tiny_pipeline(kind)).unet
    theirs = theirs_with(kind, [tiny_control(unet), tiny_control(unet)])
    noise = torch.randn(1, unet.config.in_channels, 8, 8, generator=torch.Generator().manual_seed(3))
    units = {"control2_model": f"folder-{kind}", "control2_image": ID, "control2_scale": 0.8, "control2_end": 0.75}
    units |= {"control3_model": f"file-{kind}", "control3_image": ID, "control3_scale": 0.3, "control3_start": 0.25}
    request = replace(
        asked(control_model="none", control_image="", **units),
        pictures={"control2_image": PICTURE, "control3_image": 255 - PICTURE},
    )
    expected = theirs(
        request.prompt,
        negative_prompt=request.negative_prompt,
        image=[Image.fromarray(PICTURE), Image.fromarray(255 - PICTURE)],
        controlnet_conditioning_scale=[0.8, 0.3],
        control_guidance_start=[0.0, 0.25],
        control_guidance_end=[0.75, 1.0],
        **{"height": SIDE, "width": SIDE, "num_inference_steps": STEPS, "guidance_scale": SCALE},
        latents=noise,
        output_type="latent",
    ).images
    got = ours(kind, home, noise, DDIMScheduler.from_config(theirs.scheduler.config), request)
    assert float((got - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.std()))


def test_a_unit_alone_paints_the_same_wherever_it_stands(home):
    devices = DeviceManager("cpu", threads=1)
    first = paint(devices, asked()).images
    third = {"control3_image": ID, "control3_model": "folder-sd", "control_image": "", "control_model": "none"}
    moved = replace(asked(**third), pictures={"control3_image": PICTURE})
    assert np.array_equal(paint(devices, moved).images, first)
    devices.close()


def paint(devices: DeviceManager, request: TextToImageRequest) -> Result:
    return next(event for event in TextToImage().stream(request, devices) if isinstance(event, Result))


def test_every_row_has_its_own_picture_strength_and_steps(home):
    requests = [
        asked(),
        asked(control_scale=0.3),
        asked(control_start=0.5),
        replace(asked(), pictures={"control_image": 255 - PICTURE}),
        replace(
            asked(control2_model="folder-sd", control2_image=ID, control2_scale=0.5),
            pictures={"control_image": PICTURE, "control2_image": 255 - PICTURE},
        ),
    ]
    devices = DeviceManager("cpu", threads=1)
    alone = [paint(devices, request).images for request in requests]
    together: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.__setitem__(i, paint(devices, requests[i]).images))
        for i in range(len(requests))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    devices.close()
    assert all(np.array_equal(together[i], alone[i]) for i in range(len(requests)))
    assert all(not np.array_equal(alone[0], other) for other in alone[1:])


def test_scale_zero_and_no_steps_are_the_picture_without_control(home):
    devices = DeviceManager("cpu", threads=1)
    plain = paint(devices, asked(control_model="none", control_image="")).images
    for nothing in (asked(control_scale=0.0), asked(control_start=0.9, control_end=0.95)):
        assert np.array_equal(paint(devices, nothing).images, plain)
    assert not np.array_equal(paint(devices, asked()).images, plain)
    devices.close()


@pytest.mark.parametrize("prefix", ["", "control_model."])
def test_original_keys_are_read_as_diffusers_reads_them(home, prefix):
    """A file with the names of the published ControlNets, from a UNet of Stable Diffusion 1's plain kind."""
    model = loading.load(models.inspect(home / "sd"))
    config = {**model.part("unet").config, "addition_embed_type": None, "addition_embed_type_num_heads": 64}
    config |= {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")}
    config |= {"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}
    unet = UNet2DConditionModel.from_config(config)
    model = model.with_parts({"unet": unet}, "plain")
    module = tiny_control(unet)
    theirs = dict(original_names(unet))
    keys = {original(name, theirs): tensor for name, tensor in module.state_dict().items()}
    assert "input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight" in keys
    converted = convert_controlnet_checkpoint(dict(keys), {"layers_per_block": 1})
    assert all(torch.equal(converted[name], tensor) for name, tensor in module.state_dict().items())
    path = tiny_addons.save(home / "controlnet", "original", {prefix + name: keys[name] for name in keys})
    loaded = control_loading.load(path, model).module.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in module.state_dict().items())


def original(name: str, theirs: dict[str, str]) -> str:
    hints = ["conv_in", *(f"blocks.{i}" for i in range(6)), "conv_out"]
    for i, hint in enumerate(hints):
        name = name.replace(f"controlnet_cond_embedding.{hint}.", f"input_hint_block.{2 * i}.")
    for i in range(20):
        name = name.replace(f"controlnet_down_blocks.{i}.", f"zero_convs.{i}.0.")
    name = name.replace("controlnet_mid_block.", "middle_block_out.0.")
    start = max((ours for ours in theirs if name.startswith(f"{ours}.")), key=len, default="")
    return theirs[start] + name.removeprefix(start) if start else name


def refused(request: TextToImageRequest) -> str:
    devices = DeviceManager("cpu", threads=1)
    with pytest.raises(StudioError) as error:
        paint(devices, request)
    devices.close()
    assert len(str(error.value)) < 300
    return str(error.value)


@pytest.mark.slow
def test_what_does_not_fit_is_refused_by_name(home):
    assert "file-sdxl does not fit" in refused(asked(control_model="file-sdxl"))
    assert "folder-sdxl does not fit" in refused(asked(control_model="folder-sdxl"))
    model = loading.load(models.inspect(home / "sd"))
    module = tiny_control(model.part("unet"), hint=(4, 8, 16))
    tiny_addons.save(home / "controlnet", "halved", module.state_dict())
    assert "halved does not fit" in refused(asked(control_model="halved"))
    whole = tiny_control(model.part("unet")).state_dict()
    whole.pop("conv_in.bias")
    tiny_addons.save(home / "controlnet", "lacking", whole)
    assert "lacking" in refused(asked(control_model="lacking"))
    tiny_addons.save(home / "controlnet", "lora", {"lora_unet_x.lora_up.weight": torch.ones(2, 2)})
    assert "lora is no ControlNet" in refused(asked(control_model="lora"))
    (home / "controlnet" / "danger.pth").write_bytes(b"\x80\x04")
    assert "danger.pth is a pickle" in refused(asked(control_model="danger"))


def test_fields_that_do_not_go_together_are_refused(home):
    with pytest.raises(BadRequest, match="control_image"):
        asked(control_image="").check()
    with pytest.raises(BadRequest, match="control_start"):
        asked(control_start=0.8, control_end=0.2).check()
    with pytest.raises(BadRequest, match="control_low"):
        asked(control_low=300).check()
    with pytest.raises(BadRequest, match="control3_model and control3_image go together; control3_image is missing"):
        asked(control3_model="folder-sd").check()
    with pytest.raises(NotFound):
        paint(DeviceManager("cpu", threads=1), replace(asked(), pictures={}))


def test_the_recipe_keeps_the_control(home):
    devices = DeviceManager("cpu", threads=1)
    recipe = paint(devices, asked(control_type="canny", control_scale=0.5)).recipes[0]
    devices.close()
    assert recipe["control_hash"] == files.file_hash(files.find(files.CONTROL, "folder-sd"))
    back = infotext.parse(infotext.write(recipe))["request"]
    assert all(back[name] == recipe["request"][name] for name in ("control_model", "control_type", "control_scale"))


def test_canny_draws_the_outline_of_a_square_one_pixel_wide():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[10:30, 10:30] = 200
    edges = canny(picture, 100, 200)[..., 0] > 0
    assert 60 <= edges.sum() <= 90
    assert not edges[14:26, 14:26].any() and not edges[:8].any()
    assert all(1 == edges[20, lo:hi].sum() for lo, hi in ((5, 15), (25, 35)))


def test_a_weak_edge_is_kept_where_it_hangs_together_with_a_strong_one():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[20:, :] = np.linspace(20, 120, 60)[None, :, None]  # one edge that grows along the row
    picture[:8, :] = 20
    edges = canny(picture, 60, 300)[..., 0] > 0
    assert edges[18:22, 5].any()
    assert not edges[5:11].any()
    assert not canny(picture, 300, 300)[18:22, 5].any()


def test_canny_of_a_plain_picture_is_black():
    assert not canny(np.full((16, 16, 3), 90, np.uint8), 0, 0).any()
