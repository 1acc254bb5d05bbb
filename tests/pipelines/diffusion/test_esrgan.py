"""Upscalers of other people: every form of their keys, tiles without seams, and what else they are is named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging import esrgan
from pipelines.diffusion.enlarging.esrgan import Compact, RRDBNet
from pipelines.diffusion.enlarging.upscaling import Foreign
from pipelines.errors import BadFile, BadRequest
from pipelines.events import Progress, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from tests import tiny, tiny_addons

PICTURE = np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    tiny.tiny_model(folder / "sd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def rrdb(doublings: int = 2, folded: int = 1, blocks: int = 2) -> RRDBNet:
    torch.manual_seed(0)
    return RRDBNet(8, 4, blocks, doublings, folded).eval().requires_grad_(False)


def compact(scale: int = 4) -> Compact:
    torch.manual_seed(0)
    return Compact(8, 5, scale).eval().requires_grad_(False)


def put(home: Path, name: str, tensors: dict[str, Tensor]) -> Path:
    return tiny_addons.save(home / "upscale_models", name, tensors)


def old_keys(network: RRDBNet) -> dict[str, Tensor]:
    """As ESRGAN's own first files have them: the layers of one long sequence."""
    tail = [f"conv_up{i}" for i in range(1, network.doublings + 1)]
    numbers = {"conv_first": 0} | {name: 3 + 3 * i for i, name in enumerate(tail)}
    fine = 2 + 3 * network.doublings
    numbers |= {"conv_hr": fine, "conv_last": fine + 2}
    keys = {}
    for name, tensor in network.state_dict().items():
        layer, _, half = name.rpartition(".")
        new = re.sub(r"^body\.(\d+)\.rdb(\d)\.(conv\d)", r"model.1.sub.\1.RDB\2.\3.0", layer)
        new = f"model.1.sub.{len(network.body)}" if layer == "conv_body" else new
        keys[f"model.{numbers[layer]}.{half}" if layer in numbers else f"{new}.{half}"] = tensor
    return keys


def first_keys(network: RRDBNet) -> dict[str, Tensor]:
    theirs = {"conv_body": "trunk_conv", "conv_hr": "HRconv", "conv_up1": "upconv1", "conv_up2": "upconv2"}
    keys = {}
    for name, tensor in network.state_dict().items():
        new = re.sub(r"^body\.(\d+)\.rdb(\d)", r"RRDB_trunk.\1.RDB\2", name)
        keys[theirs.get(new.rpartition(".")[0], new.rpartition(".")[0]) + "." + new.rpartition(".")[2]] = tensor
    return keys


def same(path: Path, network: Any) -> bool:
    x = torch.rand(1, 3, 16, 16)
    loaded = esrgan.load(path)
    return loaded.scale == network.scale and torch.equal(loaded(x), network(x))


@pytest.mark.parametrize("doublings", [0, 1, 2, 3])
def test_old_keys(home, doublings):
    network = rrdb(doublings)
    assert same(put(home, "old", old_keys(network)), network)


def test_the_old_names_are_the_published_ones():
    keys = old_keys(rrdb(2))
    for name in ("model.0.weight", "model.1.sub.1.RDB3.conv5.0.bias", "model.1.sub.2.weight", "model.3.weight"):
        assert name in keys
    assert {"model.6.weight", "model.8.weight", "model.10.weight"} <= keys.keys()


@pytest.mark.parametrize(("folded", "scale"), [(1, 4), (2, 2), (4, 1)])
@pytest.mark.parametrize("wrapper", ["", "params_ema."])
def test_new_keys_with_the_scale_in_their_shapes(home, folded, scale, wrapper):
    network = rrdb(2, folded)
    path = put(home, "new", {wrapper + name: tensor for name, tensor in network.state_dict().items()})
    assert same(path, network) and network.scale == scale


def test_first_keys(home):
    assert same(put(home, "first", first_keys(rrdb())), rrdb())


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_compact_keys(home, scale):
    assert same(put(home, "compact", dict(compact(scale).state_dict())), compact(scale))


def test_the_network_is_the_papers():
    """x + 0.2 * three blocks of five convolutions, each of which sees all before it."""
    network = rrdb(0, blocks=1)
    weights = network.state_dict()

    def conv(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    def dense(x: Tensor, name: str) -> Tensor:
        a = F.leaky_relu(conv(x, f"{name}.conv1"), 0.2)
        b = F.leaky_relu(conv(torch.cat((x, a), 1), f"{name}.conv2"), 0.2)
        c = F.leaky_relu(conv(torch.cat((x, a, b), 1), f"{name}.conv3"), 0.2)
        d = F.leaky_relu(conv(torch.cat((x, a, b, c), 1), f"{name}.conv4"), 0.2)
        return conv(torch.cat((x, a, b, c, d), 1), f"{name}.conv5") * 0.2 + x

    x = torch.rand(1, 3, 9, 9)
    first = conv(x, "conv_first")
    y = first
    for i in (1, 2, 3):
        y = dense(y, f"body.0.rdb{i}")
    y = first + conv(y * 0.2 + first, "conv_body")
    expected = conv(F.leaky_relu(conv(y, "conv_hr"), 0.2), "conv_last")
    assert torch.allclose(network(x), expected, atol=1e-6)


def enlarged(network: Any, factor: int, tile: int) -> tuple[np.ndarray, list[Progress]]:
    steps = Foreign(network).enlarge(PICTURE, factor, tile)
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


@pytest.mark.parametrize("network", [rrdb(), rrdb(2, 2), rrdb(2, 4), compact(4), compact(2)])
def test_tiles_give_the_picture_that_the_network_gives_at_once(network):
    whole, one = enlarged(network, 4, 256)
    tiled, told = enlarged(network, 4, 16)
    assert tiled.shape == (180, 280, 3)
    assert whole.std() > 2
    assert np.abs(whole.astype(int) - tiled).max() <= 1  # a level: both were rounded
    assert np.mean(whole != tiled) < 1e-3
    assert len(told) > len(one)


def test_no_call_sees_more_than_a_tile_with_its_margins(monkeypatch):
    seen = []
    network = compact(2)
    monkeypatch.setattr(Foreign, "_run", _watched(Foreign._run, seen))
    list(Foreign(network).enlarge(np.zeros((200, 300, 3), np.uint8), 2, 32))
    assert max(max(shape) for shape in seen) <= 32 + 2 * network.margin


def _watched(run: Any, seen: list[tuple[int, int]]) -> Any:
    def watched(self: Foreign, part: np.ndarray) -> np.ndarray:
        seen.append(part.shape[:2])
        return run(self, part)

    return watched


@pytest.mark.parametrize(("network", "factor"), [(rrdb(), 2), (rrdb(1), 4), (rrdb(0), 2), (compact(4), 4)])
def test_the_factor_is_met_whatever_the_scale_of_the_network(network, factor):
    assert enlarged(network, factor, 64)[0].shape == (45 * factor, 70 * factor, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda keys: keys | {"layers.0.attn.relative_position_index": torch.ones(2)}, "SwinIR"),
        (lambda keys: {name: tensor for name, tensor in keys.items() if name != "conv_hr.bias"}, "another kind"),
        (lambda keys: keys | {"conv_first.weight": torch.ones(8, 5, 3, 3)}, "another kind"),
        (lambda keys: {"lora_unet_x.alpha": torch.ones(1)}, "another kind"),
    ],
)
def test_what_is_no_such_network_is_named_and_refused(home, change, said):
    path = put(home, "wrong", change(dict(rrdb().state_dict())))
    with pytest.raises(BadFile, match="wrong.safetensors") as error:
        esrgan.load(path)
    assert said in str(error.value) and len(str(error.value)) < 300


def test_a_painted_picture_is_enlarged_by_the_one_asked_for(home):
    put(home, "sharp", dict(rrdb().state_dict()))
    devices = DeviceManager("cpu", threads=1)
    fields = {"model": "sd", "seed": 3, "width": 64, "height": 64, "num_inference_steps": 2, "upscale": "2x"}

    def paint(**more: Any) -> Result:
        request = TextToImageRequest.parse(fields | more)
        return next(event for event in TextToImage().stream(request, devices) if isinstance(event, Result))

    sharp, ours = paint(upscaler="sharp"), paint()
    devices.close()
    assert sharp.images.shape == ours.images.shape == (1, 128, 128, 3)
    assert not np.array_equal(sharp.images, ours.images)
    assert sharp.recipes[0]["request"]["upscaler"] == "sharp"
    with pytest.raises(BadRequest, match="upscaler must be one of"):
        TextToImageRequest.parse({"upscaler": "nowhere"})
