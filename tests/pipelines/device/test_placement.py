"""Ways of working: the same picture in each, no more on the device than was said, and the next one when memory ends.

No card is needed: "cpu:0" plays one, whose weights are copies that are counted, beside main memory, "cpu".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines import models
from pipelines.device import placement
from pipelines.device.evaluations import Rows
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.device.placement import SAID, Way
from pipelines.device.worker import Worker
from pipelines.diffusion import bundle, loading
from pipelines.diffusion.addons import ip_adapter, ip_loading
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import PictureContext
from pipelines.errors import BadRequest, OutOfMemory
from pipelines.events import Frame, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.prompts import plain
from pipelines.requests.reference import Reference
from pipelines.requests.text_to_image import TextToImageRequest
from tests import tiny_addons
from tests.tiny import tiny_model
from tests.tiny_zoo import tiny_model as other_model

CARD = "cpu:0"
KINDS = ("sd", "sdxl", "sd3", "flux-dev", "pixart")
LADDER = [way for way in Way if way is not Way.TILES]


class Card:
    """A device with memory of its own. `room` is how many bytes of weights fit."""

    def __init__(self) -> None:
        self.room = 2**60
        self.most = 0
        self._kept: dict[int, torch.Tensor] = {}
        self.parts: list[torch.nn.Module] = []

    def used(self) -> int:
        tensors = (t for part in self.parts for t in (*part.parameters(), *part.buffers()))
        return sum(t.nbytes for t in tensors if t.data_ptr() in self._kept)

    def move(self, tensor: torch.Tensor, device: Any) -> torch.Tensor:
        if torch.device(device).index is None:
            return tensor.clone() if tensor.data_ptr() in self._kept else tensor
        if tensor.data_ptr() in self._kept:
            return tensor
        if self.used() + tensor.nbytes > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        copy = tensor.clone()
        self._kept[copy.data_ptr()] = copy  # kept, so that no other tensor ever gets its address
        self.most = max(self.most, self.used() + copy.nbytes)
        return copy


@pytest.fixture
def card(monkeypatch) -> Card:
    card = Card()
    monkeypatch.setattr(placement, "move", card.move)
    for module in (placement, bundle):
        monkeypatch.setattr(module, "separate", lambda device: torch.device(device).index is not None)
    return card


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        tiny_model(folder / "sd", "kl") if kind == "sd" else other_model(folder / kind, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def model_on(card: Card, home: Path, kind: str, way: Way) -> Bundle:
    model = loading.load(models.inspect(home / kind))
    card.parts = [part for part in model._parts.values() if part is not None]
    model.to(CARD, way)
    return model


def asked(model: Bundle) -> list[torch.Tensor]:
    """What a model answers: its reading of a prompt, one evaluation, one picture."""
    side = 64
    shape = model.latent_shape(side, side)
    told = model.condition(plain("a red circle"), "original", PictureContext(side, side, 3.0)).condition
    noise = torch.Generator().manual_seed(0)
    rows = Rows(torch.randn(1, *shape, generator=noise), torch.tensor([500.0]), {n: t[None] for n, t in told.items()})
    worker = Worker(threads=1)
    predicted = worker.evaluate(model.network(shape), rows)
    worker.close()
    return [*told.values(), predicted, torch.from_numpy(model.decode(torch.randn(shape, generator=noise)))]


@pytest.mark.slow
@pytest.mark.parametrize("way", LADDER[1:])
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_of_working_gives_the_same_answers(card, home, kind, way):
    usual = asked(model_on(card, home, kind, Way.WHOLE))
    for one, other in zip(usual, asked(model_on(card, home, kind, way)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("way", LADDER)
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_a_reference_picture_is_followed_in_every_way_of_working(card, home, kind, way):
    def answer(way: Way) -> torch.Tensor:
        model = model_on(card, home, kind, way)
        before = asked(model)
        unet = model.part("unet")
        file = tiny_addons.save(home / "ipadapter", f"for-{kind}", tiny_addons.ip_adapter(unet))
        adapter = ip_loading.load(file, model.dtype)
        both = (adapter.tokens(embeds) for embeds in (torch.ones(1, 40), torch.zeros(1, 40)))
        reference = ip_adapter.ReadPicture(Reference(), 0, "likeness", adapter, *both)
        told = reference.conditioned(reference.adapted(model), model.process.path(64, num_inference_steps=2))
        shape = told.latent_shape(64, 64)
        condition = told.condition(plain("a red circle"), "original", PictureContext(64, 64, 3.0)).condition
        noise = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
        network = reference.network(told.network(shape))
        rows = {name: one[None].expand(network.batch_rows, *one.shape) for name, one in condition.items()}
        x, t = noise.expand(network.batch_rows, *shape), torch.full((network.batch_rows,), 500.0)
        with torch.inference_mode():
            followed = network(x, t, rows)
        assert all(torch.equal(one, other) for one, other in zip(before, asked(model), strict=True))
        assert not torch.equal(followed[:1], before[-2])
        return followed

    assert torch.equal(answer(way), answer(Way.WHOLE))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_step_of_the_ladder_needs_less_of_the_device_and_no_more_than_it_says(card, home, kind):
    said = []
    for way in LADDER:
        model = model_on(card, home, kind, way)
        card.most = card.used()
        worker = Worker(threads=1)
        shape = model.latent_shape(64, 64)
        told = model.condition(plain("a"), "original", PictureContext(64, 64, 3.0)).condition
        card.most = card.used()
        worker.evaluate(
            model.network(shape), Rows(torch.zeros(1, *shape), torch.ones(1), {n: t[None] for n, t in told.items()})
        )
        worker.close()
        assert card.most <= model.nbytes_on_device(way)
        assert card.most > 0 or way is Way.MAIN_MEMORY
        said.append(model.nbytes_on_device(way))
    assert said == sorted(said, reverse=True) and len(set(said)) == len(said)
    assert said[0] == model.nbytes


@pytest.mark.slow
@pytest.mark.parametrize("way", [Way.VISITS, Way.LEAVES])
def test_visitors_leave_nothing_behind(card, home, way):
    model = model_on(card, home, "sdxl", way)
    before = card.used()
    asked(model)
    assert card.used() == before


def test_an_error_during_a_visit_sends_the_visitors_home(card, home):
    model = model_on(card, home, "sd", Way.VISITS)
    before = card.used()
    with pytest.raises(ZeroDivisionError):
        with model.placement.visit("text_encoder", "vae"):
            assert card.used() > before
            raise ZeroDivisionError
    assert card.used() == before


@pytest.mark.slow
def test_visitors_that_find_no_room_work_in_main_memory(card, home):
    usual = asked(model_on(card, home, "sdxl", Way.WHOLE))
    model = model_on(card, home, "sdxl", Way.VISITS)
    card.room = card.used() + 1
    with model.placement.visit("text_encoder") as place:
        assert place == placement.CPU and card.used() < card.room
    for one, other in zip(usual, asked(model), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("way", LADDER)
def test_the_manager_takes_the_first_way_that_fits(card, home, way):
    info = models.inspect(home / "sd")
    needed = loading.load(info).nbytes_on_device(way)
    devices = DeviceManager(CARD, budget_bytes=max(1, needed), threads=1, probe=Machine)
    with devices.lease("sd", lambda: loading.load(info)) as model:
        assert model.placement.way is way
        assert model.notes == ((SAID[way],) if way in SAID else ())
        assert devices.loaded()[0]["bytes"] == needed
    devices.close()


@pytest.mark.parametrize(("memory", "way"), [("auto", Way.WHOLE), ("balanced", Way.VISITS), ("low", Way.LEAVES)])
def test_the_setting_says_where_the_ladder_begins(card, home, memory, way):
    devices = DeviceManager(CARD, threads=1, probe=Machine, memory=memory)
    with devices.lease("sd", lambda: loading.load(models.inspect(home / "sd"))) as model:
        assert model.placement.way is way
    devices.close()


def test_a_setting_that_is_not_known_is_refused():
    with pytest.raises(BadRequest, match="auto, balanced, low; got 'tiny'"):
        DeviceManager(memory="tiny")


@pytest.mark.slow
def test_a_load_that_finds_less_room_than_was_said_goes_on_in_a_smaller_way(card, home):
    info = models.inspect(home / "sd")
    devices = DeviceManager(CARD, threads=1, probe=Machine)

    def load() -> Bundle:
        model = loading.load(info)
        card.parts = list(model._parts.values())
        card.room = model.nbytes_on_device(Way.VISITS)
        return model

    with devices.lease("sd", load) as model:
        assert model.placement.way is Way.VISITS and card.used() <= card.room
    devices.close()


def test_on_the_cpu_only_decoding_is_made_smaller(home):
    devices = DeviceManager("cpu", threads=1, probe=Machine, memory="low")
    with devices.lease("sd", lambda: loading.load(models.inspect(home / "sd"))) as model:
        assert model.placement.way is Way.TILES
    devices.close()


class Tight:
    """Makes evaluations run out of memory from the k-th on, until the model works in `enough`; counts them."""

    def __init__(self, monkeypatch, k: int, enough: Way) -> None:
        self.done = 0
        usual = UNetNetwork.__call__

        def call(network: UNetNetwork, x, timesteps, context):
            if self.done >= k and self.model.placement.way < enough:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            self.done += 1
            return usual(network, x, timesteps, context)

        monkeypatch.setattr(UNetNetwork, "__call__", call)

    model: Bundle


def painted(devices: DeviceManager) -> tuple[list[Frame], Result]:
    asked = {"model": "sd", "width": 64, "height": 64, "upscale": "none", "seed": 3, "num_inference_steps": 4}
    events = list(TextToImage().stream(TextToImageRequest.parse(asked), devices))
    assert isinstance(events[-1], Result)
    return [event for event in events if isinstance(event, Frame)], events[-1]


@pytest.mark.slow
@pytest.mark.parametrize("enough", [Way.VISITS, Way.LEAVES, Way.MAIN_MEMORY])
def test_a_run_that_is_out_of_memory_in_step_k_goes_on_from_there_in_a_smaller_way(card, home, monkeypatch, enough):
    monkeypatch.setattr("pipelines.diffusion.bundle.rows_of_a_batch", lambda device, pixels: 2)
    devices = DeviceManager(CARD, threads=1, probe=Machine)
    usual_frames, usual = painted(devices)
    devices.drop_idle()
    tight = Tight(monkeypatch, k=2, enough=enough)
    real = loading.load

    def load(*args):
        tight.model = real(*args)
        return tight.model

    monkeypatch.setattr(loading, "load", load)
    frames, result = painted(devices)
    assert [frame.index for frame in frames] == [frame.index for frame in usual_frames]
    assert abs(result.images.astype(int) - usual.images.astype(int)).max() <= 1
    # the two steps before are not made again; the one that failed took two calls of one row, where rows were halved
    assert tight.done == (4 if enough is Way.VISITS else 2 + 2 + 1)
    if enough is not Way.VISITS:
        assert SAID[enough] in result.notes
    devices.close()


def test_who_runs_out_of_memory_leaves_a_model_alone_that_is_decoding(card, home):
    model = model_on(card, home, "sd", Way.WHOLE)
    with model._lock:
        model.make_room()
        assert model.placement.way is Way.WHOLE
    model.make_room()
    assert model.placement.way is Way.VISITS and card.used() == model.nbytes_on_device(Way.VISITS)


@pytest.mark.slow
def test_at_the_end_of_the_ladder_there_is_a_clear_error(card, home, monkeypatch):
    def call(network, x, timesteps, context):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(UNetNetwork, "__call__", call)
    devices = DeviceManager(CARD, threads=1, probe=Machine)
    with pytest.raises(OutOfMemory, match="no memory left for even one row"):
        painted(devices)
    assert devices.loaded()[0]["leases"] == 0
    devices.close()
