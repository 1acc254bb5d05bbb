"""IP-Adapters in our UNets: diffusers' own numbers, each row its own picture, and what does not fit named."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons import clip_vision, ip_adapter
from pipelines.errors import BadFile, BadRequest, NotFound, StudioError
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.addons import files, ip_files
from pipelines.models.library.recognise import recognise
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import our_loop, tiny, tiny_addons, tiny_zoo
from tests.pipelines.diffusion import test_control

SIDE, STEPS, SCALE = 64, 4, 2.5
FORMS = ("plain", "plus", "full-face")
PICTURE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
ID = "0" * 64


def pipeline_of(kind: str) -> Any:
    return tiny.tiny_pipeline() if kind == "sd" else tiny_zoo.tiny_pipeline(kind)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    for kind in ("sd", "sdxl"):
        pipeline = pipeline_of(kind)
        pipeline.save_pretrained(folder / kind)
        for form in FORMS:
            tiny_addons.save(folder / "ipadapter", f"{form}-{kind}", tiny_addons.ip_adapter(pipeline.unet, form))
    tiny_addons.clip_vision().save_pretrained(folder / "clip_vision" / "tiny")
    tiny_addons.save(folder / "clip_vision", "another", tiny_addons.clip_vision(1, 32, 64, 56).state_dict())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def asked(**more: Any) -> TextToImageRequest:
    fields = {"model": "sd", "prompt": "a red circle", "negative_prompt": "a cat", "width": SIDE, "height": SIDE}
    fields |= {"seed": 3, "num_inference_steps": STEPS, "guidance_scale": SCALE, "upscale": "none"}
    fields |= {"ip_image": ID, "ip_model": "plain-sd"}
    return replace(TextToImageRequest.of(**fields | more), pictures={"ip_image": PICTURE})


def ours(kind: str, home: Path, noise: torch.Tensor, scheduler: Any, request: TextToImageRequest) -> torch.Tensor:
    model = loading.load(models.inspect(home / kind))
    path = our_loop.path_of(model, scheduler, STEPS)
    devices = DeviceManager("cpu", threads=1)
    with ip_adapter.attached(request, model, devices) as attachments:
        model, network = our_loop.beside(model, attachments, path, tuple(noise.shape[1:]))
        latents = our_loop.ddim(model, network, path, request, noise)
    devices.close()
    return latents


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_our_loop_equals_diffusers(home, kind, form):
    pipeline = pipeline_of(kind)
    pipeline.register_modules(
        image_encoder=tiny_addons.clip_vision(),
        feature_extractor=CLIPImageProcessorPil(size=32, crop_size=32),
        scheduler=DDIMScheduler(**tiny_zoo.BETAS, clip_sample=False, steps_offset=1),
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_ip_adapter(str(home / "ipadapter"), subfolder="", weight_name=f"{form}-{kind}.safetensors")
    noise = torch.randn(1, pipeline.unet.config.in_channels, 8, 8, generator=torch.Generator().manual_seed(3))
    request = asked(model=kind, ip_model=f"{form}-{kind}", ip_scale=0.8)
    said = {"height": SIDE, "width": SIDE, "num_inference_steps": STEPS, "guidance_scale": SCALE}

    def theirs(scale: float) -> torch.Tensor:
        pipeline.set_ip_adapter_scale(scale)
        return pipeline(
            request.prompt,
            negative_prompt=request.negative_prompt,
            ip_adapter_image=Image.fromarray(PICTURE),
            latents=noise,
            output_type="latent",
            **said,
        ).images

    expected = theirs(0.8)
    got = ours(kind, home, noise, DDIMScheduler.from_config(pipeline.scheduler.config), request)
    assert float((got - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.std()))
    other = theirs(0.3)
    assert float((other - expected).abs().max()) > 1e-3  # the picture matters in the miniature too


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_several_pictures_together_equal_diffusers(home, kind):
    pipeline = pipeline_of(kind)
    pipeline.register_modules(
        image_encoder=tiny_addons.clip_vision(),
        feature_extractor=CLIPImageProcessorPil(size=32, crop_size=32),
        scheduler=DDIMScheduler(**tiny_zoo.BETAS, clip_sample=False, steps_offset=1),
    )
    pipeline.set_progress_bar_config(disable=True)
    names = [f"{form}-{kind}.safetensors" for form in ("plain", "plus")]
    pipeline.load_ip_adapter(str(home / "ipadapter"), subfolder="", weight_name=names)
    pipeline.set_ip_adapter_scale([0.8, 0.4])
    noise = torch.randn(1, pipeline.unet.config.in_channels, 8, 8, generator=torch.Generator().manual_seed(3))
    expected = pipeline(
        "a red circle",
        negative_prompt="a cat",
        ip_adapter_image=[Image.fromarray(PICTURE), Image.fromarray(255 - PICTURE)],
        latents=noise,
        output_type="latent",
        **{"height": SIDE, "width": SIDE, "num_inference_steps": STEPS, "guidance_scale": SCALE},
    ).images
    units = {"ip_model": f"plain-{kind}", "ip_scale": 0.8}
    units |= {"ip2_model": f"plus-{kind}", "ip2_scale": 0.4, "ip2_image": ID}
    request = replace(asked(model=kind, **units), pictures={"ip_image": PICTURE, "ip2_image": 255 - PICTURE})
    got = ours(kind, home, noise, DDIMScheduler.from_config(pipeline.scheduler.config), request)
    assert float((got - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.std()))


@pytest.mark.parametrize("size", [(50, 70), (70, 50), (224, 224), (300, 225), (8, 128), (37, 41)])
@pytest.mark.parametrize("side", [32, 224])
def test_clip_sees_what_the_librarys_processor_makes(size, side):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    processor = CLIPImageProcessorPil(size=side, crop_size=side)
    expected = processor(Image.fromarray(picture), return_tensors="pt").pixel_values[0]
    assert float((clip_vision.seen(picture, side) - expected).abs().max()) <= 1e-3


def test_an_encoder_of_one_file_is_the_same_as_its_folder(tmp_path):
    module = tiny_addons.clip_vision()
    module.save_pretrained(tmp_path / "folder")
    file = tiny_addons.save(tmp_path, "file", module.state_dict())
    both = [clip_vision.load(path, torch.float32) for path in (file, tmp_path / "folder" / "model.safetensors")]
    for what in ("summary", "patches"):
        one, other = (encoder.read(PICTURE, what) for encoder in both)
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def paint(devices: DeviceManager, request: TextToImageRequest) -> Result:
    return next(event for event in TextToImage().stream(request, devices) if isinstance(event, Result))


def test_every_row_has_its_own_picture_strength_and_steps(home):
    requests = [
        asked(),
        asked(ip_scale=0.3),
        asked(ip_start=0.5),
        replace(asked(), pictures={"ip_image": 255 - PICTURE}),
        asked(ip_scale=0.0),
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


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_strength_zero_and_no_steps_are_the_picture_without_it_and_the_model_stays(home, kind):
    devices = DeviceManager("cpu", threads=1)
    of_kind = {"model": kind, "ip_model": f"plus-{kind}"}
    without = asked(model=kind, ip_model="none", ip_image="")
    plain = paint(devices, without).images
    assert not np.array_equal(paint(devices, asked(**of_kind)).images, plain)
    for nothing in (asked(**of_kind, ip_scale=0.0), asked(**of_kind, ip_start=0.9, ip_end=0.95), without):
        assert np.array_equal(paint(devices, nothing).images, plain)
    devices.close()


def test_the_encoder_is_given_back_before_painting(home):
    devices = DeviceManager("cpu", threads=1)
    model = loading.load(models.inspect(home / "sd"))
    with ip_adapter.attached(asked(), model, devices):
        leases = {held["key"]: held["leases"] for held in devices.loaded()}
        assert [count for key, count in leases.items() if str(key).startswith("tiny@")] == [0]
        assert [count for key, count in leases.items() if str(key).startswith("plain-sd")] == [1]
    assert all(held["leases"] == 0 for held in devices.loaded())
    devices.close()


def test_with_a_second_pass_and_tiles(home):
    devices = DeviceManager("cpu", threads=1)
    twice = asked(hires_scale=2.0, hires_steps=2)
    images = paint(devices, twice).images
    assert images.shape[1:3] == (2 * SIDE, 2 * SIDE)
    assert not np.array_equal(images, paint(devices, twice.changed(ip_scale=0.2)).images)
    tiled = asked(width=128, height=128, tile=64)
    assert not np.array_equal(paint(devices, tiled).images, paint(devices, tiled.changed(ip_scale=0.2)).images)
    devices.close()


def refused(request: TextToImageRequest) -> str:
    """The sentence; the next job is painted as if nothing had been."""
    devices = DeviceManager("cpu", threads=1)
    with pytest.raises(StudioError) as error:
        paint(devices, request)
    assert paint(devices, asked(ip_model="none", ip_image="")).images.any()
    devices.close()
    assert len(str(error.value)) < 300
    return str(error.value)


@pytest.mark.slow
def test_what_does_not_fit_is_refused_by_name(home, tmp_path):
    unet = pipeline_of("sd").unet
    folder = home / "ipadapter"
    assert "plain-sdxl does not fit sd" in refused(asked(ip_model="plain-sdxl"))
    whole = tiny_addons.ip_adapter(unet)
    tiny_addons.save(folder, "other-size", {**whole, "ip_adapter.1.to_k_ip.weight": torch.ones(8, 32)})
    assert "other-size lacks weights" in refused(asked(ip_model="other-size"))
    both = {name: torch.ones(8, 32) for name in ("ip_adapter.1.to_k_ip.weight", "ip_adapter.1.to_v_ip.weight")}
    tiny_addons.save(folder, "narrow", {**whole, **both})
    assert "narrow does not fit sd" in refused(asked(ip_model="narrow"))
    tiny_addons.save(folder, "lacking", {name: t for name, t in whole.items() if name != "image_proj.norm.bias"})
    assert "lacking lacks weights" in refused(asked(ip_model="lacking"))
    tiny_addons.save(folder, "nan", {**whole, "image_proj.norm.bias": torch.full((32,), torch.nan)})
    assert "not numbers" in refused(asked(ip_model="nan"))
    tiny_addons.save(folder, "lora", {"lora_unet_x.lora_up.weight": torch.ones(2, 2)})
    assert "lora is no IP-Adapter" in refused(asked(ip_model="lora"))
    face = {"image_proj.proj.0.weight": torch.ones(64, 32), "image_proj.norm.weight": torch.ones(32)}
    rest = {name: tensor for name, tensor in whole.items() if not name.startswith("image_proj")}
    tiny_addons.save(folder, "face", {**rest, **face})
    assert "face is a FaceID adapter" in refused(asked(ip_model="face"))
    (folder / "danger.bin").write_bytes(b"\x80\x04")
    assert "danger.bin is a pickle" in refused(asked(ip_model="danger"))


def test_a_deeper_resampler_is_not_silently_cut_short(home):
    keys = tiny_addons.ip_adapter(pipeline_of("sd").unet, "plus")
    deeper = {name.replace("layers.3.", "layers.4."): t + 1 for name, t in keys.items() if "layers.3." in name}
    tiny_addons.save(home / "ipadapter", "deeper", {**keys, **deeper})
    assert "deeper lacks weights of an IP-Adapter or mixes two" in refused(asked(ip_model="deeper"))


def test_a_missing_encoder_is_named_with_its_place(home):
    published = {"image_proj.proj.weight": torch.ones(128, 1024), "image_proj.norm.weight": torch.ones(32)}
    whole = {name: t for name, t in tiny_addons.ip_adapter(pipeline_of("sd").unet).items() if "image_proj" not in name}
    tiny_addons.save(home / "ipadapter", "vit-h", {**whole, **published})
    said = refused(asked(ip_model="vit-h"))
    assert "Put CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors into models/clip_vision" in said


def test_the_encoder_is_found_by_what_is_read_and_its_width(home):
    assert ip_files.encoder_for("x", ip_files.Form("summary", 40, 32)).parent.name == "tiny"
    assert ip_files.encoder_for("x", ip_files.Form("patches", 48, 32)).parent.name == "tiny"
    assert ip_files.encoder_for("x", ip_files.Form("summary", 56, 32)).stem == "another"
    with pytest.raises(NotFound, match="summary of width 48"):
        ip_files.encoder_for("x", ip_files.Form("summary", 48, 32))


@pytest.mark.parametrize(
    "config",
    ['{"num_attention_heads": 7}', '{"hidden_act": "os.system"}', '{"num_attention_heads": [1]}', '{"hidden'],
)
def test_a_config_that_is_not_the_encoders_own_is_refused(tmp_path, config):
    tiny_addons.clip_vision().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(BadFile):
        clip_vision.load(tmp_path / "model.safetensors", torch.float32)


def test_an_encoder_that_lacks_a_layers_weight_is_refused(tmp_path):
    state = tiny_addons.clip_vision().state_dict()
    state.pop("vision_model.encoder.layers.1.mlp.fc2.bias")
    with pytest.raises(BadFile, match="lacks 1 weights"):
        clip_vision.load(tiny_addons.save(tmp_path, "cut", state), torch.float32)


def test_other_architectures_are_refused_by_name(home):
    tiny_zoo.tiny_model(home / "dit", "pixart")
    assert "IP-Adapters are for Stable Diffusion 1 and XL, not for dit" in refused(asked(model="dit"))
    assert "plain-sd does not fit aigc-mini" in refused(asked(model="aigc-mini", width=64, height=64))


def test_fields_that_do_not_go_together_are_refused(home):
    with pytest.raises(BadRequest, match="ip_image is missing"):
        asked(ip_image="").check()
    with pytest.raises(BadRequest, match="ip_model is missing"):
        asked(ip_model="none").check()
    with pytest.raises(BadRequest, match="ip_start"):
        asked(ip_start=0.8, ip_end=0.2).check()
    with pytest.raises(NotFound):
        paint(DeviceManager("cpu", threads=1), replace(asked(), pictures={}))


def test_files_among_controlnets_are_known_by_their_name(home):
    tiny_addons.save(home / "ControlNet", "IP-Adapter_plain", tiny_addons.ip_adapter(pipeline_of("sd").unet))
    tiny_addons.save(home / "ControlNet", "canny", {"x": torch.ones(1)})
    names = files.installed(files.IP_ADAPTER)
    assert "IP-Adapter_plain" in names and "canny" not in names
    assert files.installed(files.CONTROL) == ("canny",)


def test_the_recipe_repeats_and_the_infotext_names_it(home):
    devices = DeviceManager("cpu", threads=1)
    request = asked(ip_scale=0.7, ip_start=0.25)
    result = paint(devices, request)
    recipe = result.recipes[0]
    assert recipe["ip_adapter_hash"] == files.file_hash(files.find(files.IP_ADAPTER, "plain-sd"))
    again = TextToImageRequest.parse(recipe["request"]).with_pictures(lambda _id: PICTURE)
    assert np.array_equal(paint(devices, again).images, result.images)
    devices.close()
    back = infotext.parse(infotext.write(recipe))["request"]
    for name in ("ip_image", "ip_model", "ip_scale", "ip_start", "ip_end"):
        assert back[name] == recipe["request"][name]


@pytest.mark.parametrize(("form", "variant"), [("plain", ""), ("plus", "plus"), ("full-face", "full-face")])
def test_the_library_knows_each_form(form, variant):
    shapes = {name: tuple(t.shape) for name, t in tiny_addons.ip_adapter(pipeline_of("sd").unet, form).items()}
    found = recognise(shapes, {})
    assert (found.kind, found.variant, found.unusable) == ("ip_adapter", variant, "")


@pytest.mark.parametrize(
    ("width", "layers", "inner", "heads", "projection", "activation"),
    [
        (1024, 24, 4096, 16, 768, "quick_gelu"),  # CLIP ViT-L/14 of OpenAI
        (1280, 32, 5120, 16, 1024, "gelu"),  # OpenCLIP ViT-H/14
        (1664, 48, 8192, 16, 1280, "gelu"),  # OpenCLIP ViT-bigG/14
    ],
)
def test_the_published_encoders_follow_from_their_shapes(width, layers, inner, heads, projection, activation):
    said = {"hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner, "patch_size": 14}
    said |= {"image_size": 224, "projection_dim": projection, "num_attention_heads": heads, "hidden_act": activation}
    with torch.device("meta"):
        module = CLIPVisionModelWithProjection(CLIPVisionConfig(**said))
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert clip_vision._config(shapes, {}) == {**said, "num_channels": 3}


def test_together_with_a_lora_and_a_controlnet(home):
    unet = pipeline_of("sd").unet
    products = tiny_addons.random_products({"unet": unet})
    tiny_addons.save(home / "loras", "ink", tiny_addons.kohya(products))
    test_control.tiny_control(unet).save_pretrained(home / "controlnet" / "lines")
    devices = DeviceManager("cpu", threads=1)

    def made(**more: Any) -> Any:
        request = asked(**{"loras": "ink:0.5", "control_image": ID, "control_model": "lines"} | more)
        return paint(devices, replace(request, pictures={"ip_image": PICTURE, "control_image": PICTURE})).images

    whole = made()
    for without in ({"ip_scale": 0.0}, {"loras": ""}, {"control_scale": 0.0}):
        assert not np.array_equal(made(**without), whole)
    assert np.array_equal(made(ip_scale=0.0), made(ip_model="none", ip_image=""))
    devices.close()


@pytest.mark.parametrize(("width", "height", "lost"), [(300, 100, 67), (100, 200, 50), (100, 105, 0), (64, 64, 0)])
def test_what_is_not_read_of_a_wide_or_tall_picture_is_noted(width, height, lost):
    notes = list(ip_adapter._unseen(np.zeros((height, width, 3), np.uint8)))
    assert [f"{lost} % of it lie outside" in note for note in notes] == [True] * bool(lost)
