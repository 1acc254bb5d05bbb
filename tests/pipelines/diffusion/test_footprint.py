"""The estimate of memory: weights exactly, the rest by measured factors, and the way of working that follows."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import footprint as measured
from pipelines import models
from pipelines.device import hardware
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.device.native import judged, session
from pipelines.diffusion import footprint, loading
from pipelines.diffusion.decoding_cost import decoding_bytes
from pipelines.diffusion.footprint import estimate, network_bytes, part_bytes
from pipelines.errors import BadFile, NotFound, OutOfMemory
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from tests import tiny_addons
from tests.tiny import tiny_model
from tests.tiny_zoo import tiny_model as other_model

KINDS = ("kl", "tiny", "sdxl", "sd3", "flux-dev", "pixart")
ORDER = ["whole", "tiles", "visits", "leaves", "main_memory"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        (tiny_model if kind in ("kl", "tiny") else other_model)(folder / kind, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu", threads=1, probe=Machine)
    yield manager
    manager.close()


def asked(**values: Any) -> TextToImageRequest:
    return TextToImageRequest.parse({"width": 64, "height": 64, **values})


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_that_will_be_in_memory(home, kind):
    info = models.inspect(home / kind)
    parts = loading.load(info)._parts
    told = part_bytes(info, 4)
    for name, part in parts.items():
        loaded = sum(p.nbytes for p in (*part.parameters(), *part.buffers()))
        assert abs(told[name] - loaded) <= 0.05 * loaded + 5000  # a file may hold a few buffers more or less
    assert part_bytes(info, 2)["vae"] * 2 == told["vae"]


@pytest.fixture(scope="module")
def real_networks() -> dict[str, Any]:
    return measured.evaluations()


def described(name: str) -> Any:
    """A ModelInfo as the estimate reads it, of a network of the real size."""
    network = {"sd": {"block_out_channels": [320, 640, 1280, 1280]}, "sdxl": {"block_out_channels": [320, 640, 1280]}}
    heads = {"sd3": (24, 64), "flux": (24, 128), "pixart": (16, 72)}
    config = network.get(name) or dict(zip(("num_attention_heads", "attention_head_dim"), heads[name], strict=True))
    part = "unet" if name in network else "transformer"
    vae = {"block_out_channels": [128, 256, 512, 512]}
    config["pos_embed_max_size"] = 192 if name == "sd3" else None
    configs = {part: config, "vae": vae}
    return models.ModelInfo(name, Path(), name, {"vae": "AutoencoderKL"}, {}, 0, configs)


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 96, 128])
@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3", "flux", "pixart"])
def test_an_evaluation_of_a_real_networks_size_needs_what_the_formula_says(real_networks, name, side):
    _, call = real_networks[name]
    one = measured.peak(lambda: call(side, 1))
    told = network_bytes(described(name), side * 8, side * 8, "cpu", 4)  # on the CPU large latents go alone
    assert 0.6 * one < told < 1.5 * one


@pytest.mark.parametrize("kind", ["AutoencoderKL", "AutoencoderTiny"])
@pytest.mark.parametrize("side", [16, 64, 128])
def test_a_decoding_of_a_real_size_needs_what_the_formula_says(kind, side):
    width, call = measured.decoders()[kind]
    told = decoding_bytes(kind, {"block_out_channels": [width]}, side * 8, side * 8, 4)
    assert 1.0 <= told / measured.peak(lambda: call(side, 1)) < 1.2


def test_half_precision_needs_half():
    info = described("sdxl")
    assert network_bytes(info, 1024, 1024, "cuda", 2) * 2 == network_bytes(info, 1024, 1024, "cuda", 4)


@pytest.mark.parametrize("name", ["sd", "sdxl", "flux"])
def test_less_free_memory_means_a_smaller_way_and_less_needed(name, monkeypatch):
    info = described(name)
    parts = {info.network: 5 * 10**9, "text_encoder": 16 * 10**8, "vae": 16 * 10**7}
    monkeypatch.setattr(footprint, "part_bytes", lambda info, item: parts)
    devices = DeviceManager("cuda", budget_bytes=2**40, probe=lambda: Machine(devices=("cuda",)))
    monkeypatch.setattr(hardware, "dtype_of", lambda device: torch.float16)
    ways, needed = [], []
    for free in [2 * 10**10 * 0.97**k for k in range(160)]:
        monkeypatch.setattr(hardware, "memory_of", lambda device, free=int(free): (free, 10**11))
        told = estimate(info, dataclasses.replace(asked(), width=1024, height=1024), devices)
        ways.append(told.way)
        needed.append(told.needed)
        assert told.needed <= told.free and told.sentence.endswith(".")
    assert [ORDER.index(way) for way in ways] == sorted(ORDER.index(way) for way in ways)
    assert set(ways) == set(ORDER) and needed == sorted(needed, reverse=True)


@pytest.mark.parametrize("values", [{"width": 4096, "height": 4096}, {"hires_scale": 4, "width": 512, "height": 512}])
def test_what_main_memory_cannot_hold_is_refused_before_it_begins(home, devices, monkeypatch, values):
    monkeypatch.setattr(footprint, "free_memory", lambda: 10**8)
    request = asked(model="kl", num_inference_steps=1, seed=0, **values)
    with pytest.raises(OutOfMemory, match="(4096 x 4096|2048 x 2048) takes .* [GM]B while .*, and 100 MB are"):
        list(TextToImage().stream(request, devices))


def test_pictures_in_tiles_and_a_photo_under_a_mask_are_counted_too(home, devices, monkeypatch):
    info = models.inspect(home / "kl")
    monkeypatch.setattr(footprint, "free_memory", lambda: 10**9)
    small = asked(image="1" * 64, mask_image="1" * 64, only_masked=True)
    refuse = footprint.refuse_what_does_not_fit
    photo = dataclasses.replace(small, pictures={"image": np.zeros((2000, 3000, 3), np.uint8)})
    refuse(info, photo, devices)
    huge = dataclasses.replace(small, pictures={"image": np.zeros((4096, 4096, 3), np.uint8)})
    with pytest.raises(OutOfMemory):
        refuse(info, dataclasses.replace(huge, count=16), devices)
    with pytest.raises(OutOfMemory):
        refuse(info, asked(width=4096, height=4096), devices)
    refuse(info, asked(width=4096, height=4096, tile=512), devices)


def test_on_the_cpu_what_does_not_fit_is_told(home, devices, monkeypatch):
    info = models.inspect(home / "kl")
    monkeypatch.setattr(hardware, "memory_of", lambda device: (1000, 2000))
    told = estimate(info, asked(), devices)
    assert told.way == "none" and "would not fit" in told.sentence and told.needed > told.free
    assert told.weights == sum(part_bytes(info, 4).values())


def test_the_native_process_counts_where_it_would_run(devices, monkeypatch):
    info = models.inspect(models.find("aigc-mini"))
    weights = sum(part_bytes(info, 4).values())
    assert estimate(info, asked(), devices).weights >= weights + session.PROCESS_BYTES
    assert footprint.process_bytes(info, "cuda:0") == 0
    monkeypatch.setattr(judged, "installed", lambda: False)
    assert estimate(info, asked(), devices).weights == weights


def test_a_model_that_lies_there_idle_counts_as_free_and_one_at_work_does_not(home, devices, monkeypatch):
    info = models.inspect(home / "kl")
    monkeypatch.setattr(hardware, "memory_of", lambda device: (10**9, 2 * 10**9))
    with devices.lease("idle", lambda: loading.load(info)) as model:
        assert estimate(info, asked(), devices).free == 10**9
    assert estimate(info, asked(), devices).free == 10**9 + model.nbytes


def test_the_setting_moves_the_estimate_along_the_ladder(home, monkeypatch):
    info = models.inspect(home / "sdxl")
    monkeypatch.setattr(hardware, "dtype_of", lambda device: torch.float16)
    monkeypatch.setattr(hardware, "memory_of", lambda device: (10**10, 10**10))
    ways = []
    for memory in ("auto", "balanced", "low"):
        devices = DeviceManager("cuda", probe=lambda: Machine(devices=("cuda",)), memory=memory)
        ways.append(estimate(info, asked(), devices).way)
    assert ways == ["whole", "visits", "leaves"]


def test_the_larger_pass_is_weighed_and_tiles_bound_what_the_network_sees(home, devices):
    info = models.inspect(home / "kl")
    once, larger = estimate(info, asked(), devices), estimate(info, asked(width=128, height=128), devices)
    twice = estimate(info, asked(hires_scale=2), devices)
    assert (twice.network, twice.decoding) == (larger.network, larger.decoding) and twice.network > once.network
    tiled = estimate(info, asked(hires_scale=2, tile=64), devices)
    assert (tiled.network, tiled.decoding) == (once.network, larger.decoding)
    border = estimate(info, asked(image="1" * 64, outpaint_left=64, height=128), devices)
    assert (border.network, border.decoding) == (larger.network, larger.decoding)


def test_what_is_put_beside_the_model_counts(home, devices):
    weights = {"a.weight": torch.zeros(10, 30), "b.weight": torch.zeros(50)}
    halves = {"unet.x.lora_A.weight": torch.zeros(5, 30), "unet.x.lora_B.weight": torch.zeros(40, 5)}
    tiny_addons.save(home / "loras", "one", halves)
    tiny_addons.save(home / "controlnet", "edges", weights)
    tiny_addons.save(home / "ipadapter", "face", weights)
    info = models.inspect(home / "kl")
    plain = estimate(info, asked(), devices)
    for values, times in (
        ({"loras": "one"}, 1),
        ({"control_model": "edges", "control_image": "1" * 64}, 1),
        ({"loras": "one:0.5", "ip_model": "face", "ip_image": "1" * 64}, 2),
    ):
        told = estimate(info, asked(**values), devices)
        assert told.weights - plain.weights == told.needed - plain.needed == times * 350 * 4


def test_the_chosen_decoder_is_the_one_that_is_weighed(home, devices):
    with pytest.raises(NotFound):
        estimate(models.inspect(home / "kl"), dataclasses.replace(asked(), vae="gone"), devices)
    assert set(footprint.SAID) == {*ORDER, "none"}


@pytest.mark.parametrize("channels", [[[8, 8]], "many", [], [None], {"a": 1}, 7])
def test_a_config_that_cannot_be_counted_is_a_sentence_about_the_file(channels: object) -> None:
    info = described("sd")
    info.configs["unet"]["block_out_channels"] = channels
    with pytest.raises(BadFile, match="config.json"):
        network_bytes(info, 512, 512, "cpu", 4)
    if channels:
        with pytest.raises(BadFile, match="config.json"):
            decoding_bytes("AutoencoderKL", {"block_out_channels": channels}, 512, 512, 4)
