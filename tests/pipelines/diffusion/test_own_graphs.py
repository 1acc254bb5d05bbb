"""A user's own model becomes native when it is used again, paints what it painted in torch, and never waits for it."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipelines import models
from pipelines.confined import process
from pipelines.device.manager import DeviceManager
from pipelines.device.native import judged as judging
from pipelines.device.native.judged import SLOWER
from pipelines.diffusion import leases, own_graphs
from pipelines.diffusion.own_graphs import OwnGraphs
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models import graphs
from pipelines.models.graph_cache import FAILED, FASTER, GraphCache, Structure
from pipelines.models.graph_cache import SLOWER as SLOW
from pipelines.requests.text_to_image import TextToImageRequest
from tests.tiny import tiny_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="numbers are handed over by open files"),
]

SECONDS = 600


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two models of one structure and one of another, by name: one, same, other."""
    root = tmp_path_factory.mktemp("models")
    tiny_model(root / "one", vae="kl", seed=1)
    tiny_model(root / "same", vae="kl", seed=2)
    tiny_model(root / "other", vae="tiny", seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(root))
        yield root


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """A cache with the graphs of "one", made as in use."""
    cache = tmp_path_factory.mktemp("outputs") / "graphs"
    own = OwnGraphs(GraphCache(cache))
    with contextlib.closing(devices_with(own)) as devices:
        paint(devices)
        assert own.describe()["count"] == 0 and own.wait(0), "once is no reason"
        began = time.monotonic()
        paint(devices)
        assert not native(devices), "nobody waits for it"
        took = time.monotonic() - began
        assert own.wait(SECONDS)
        assert took < SECONDS / 10
    assert {own._cache.verdict(one) for one in structures()} == {""}
    return cache


@pytest.fixture
def cache(exported: Path, tmp_path: Path) -> GraphCache:
    """A copy of it, for each test's own use."""
    shutil.copytree(exported, tmp_path / "graphs")
    return GraphCache(tmp_path / "graphs")


def devices_with(own: OwnGraphs | None, budget: int | None = None) -> DeviceManager:
    return DeviceManager("cpu", threads=1, graphs=own, budget_bytes=budget)


def paint(devices: DeviceManager, model: str = "one", **values: object) -> Result:
    asked = {"model": model, "prompt": "a red cat", "seed": 3, "num_inference_steps": 4, "upscale": "none"}
    request = TextToImageRequest.parse(asked | {"width": 64, "height": 64} | values)
    *_, last = TextToImage().stream(request, devices)
    assert isinstance(last, Result)
    return last


def native(devices: DeviceManager, model: str = "one") -> bool:
    with leases.lease(models.inspect(models.find(model)), devices) as bundle:
        return bundle.native is not None


def structures(model: str = "one") -> list[Structure]:
    with contextlib.closing(devices_with(None)) as devices:
        with leases.lease(models.inspect(models.find(model)), devices) as bundle:
            return list(own_graphs._structures(bundle).values())


def at_rest(monkeypatch: pytest.MonkeyPatch, ratio: float = 1.0) -> None:
    """A clock by which the native way takes `ratio` of torch's time: what is tiny is not faster natively."""
    times = [ratio, 1.0]
    monkeypatch.setattr(judging, "_seconds", lambda work: (work(), times.append(times.pop(0)), times[-1])[-1])


def test_the_next_start_is_native_at_once_and_paints_what_torch_does(cache: GraphCache, monkeypatch) -> None:
    at_rest(monkeypatch, 0.5)
    with contextlib.closing(devices_with(None)) as devices:
        right = paint(devices)
        assert not native(devices)
    with contextlib.closing(devices_with(OwnGraphs(cache))) as devices:
        results = [paint(devices), paint(devices)]
        with leases.lease(models.inspect(models.find("one")), devices) as bundle:
            assert bundle.native is not None and set(bundle.native.networks) == {"unet", "vae"}
            assert not any(network.judged.why for network in bundle.native.networks.values())
            assert devices.loaded()[0]["bytes"] == bundle.nbytes + bundle.native.nbytes
            assert psutil.pid_exists(bundle.native.session.pid or -1)
    assert np.array_equal(results[0].images, results[1].images)
    assert np.abs(results[0].images.astype(int) - right.images).max() <= 1
    assert results[0].notes == results[1].notes == right.notes
    assert {cache.verdict(one) for one in structures()} == {FASTER}


def test_other_weights_of_the_same_structure_share_the_graph(cache: GraphCache, monkeypatch) -> None:
    at_rest(monkeypatch, 0.5)
    with contextlib.closing(devices_with(None)) as devices:
        right = paint(devices, "same")
    with contextlib.closing(devices_with(OwnGraphs(cache))) as devices:
        result = paint(devices, "same")
        assert native(devices, "same")
    assert np.abs(result.images.astype(int) - right.images).max() <= 1


def test_what_is_slower_stays_in_torch_says_so_once_and_is_remembered(cache: GraphCache, monkeypatch) -> None:
    at_rest(monkeypatch, 1.5)
    with contextlib.closing(devices_with(None)) as devices:
        right = paint(devices)
    with contextlib.closing(devices_with(OwnGraphs(cache))) as devices:
        first = paint(devices)
        assert SLOWER in first.notes and np.abs(first.images.astype(int) - right.images).max() <= 1
    assert SLOW in {cache.verdict(one) for one in structures()}
    with contextlib.closing(devices_with(OwnGraphs(cache))) as devices:
        again = paint(devices)
        assert again.notes == right.notes and np.array_equal(again.images, right.images)


def test_without_room_in_the_budget_torch_paints(cache: GraphCache) -> None:
    with contextlib.closing(devices_with(OwnGraphs(cache), budget=2**24)) as devices:
        paint(devices)
        assert not native(devices)


def test_a_picture_that_is_under_way_keeps_its_way(cache: GraphCache, monkeypatch) -> None:
    """Another job's use does not change what a job's next step is computed by."""
    at_rest(monkeypatch, 0.5)
    with contextlib.closing(devices_with(OwnGraphs(cache))) as devices:
        with leases.lease(models.inspect(models.find("one")), devices) as bundle:
            paint(devices)
            assert bundle.native is None
        paint(devices)
        assert native(devices)


@pytest.mark.parametrize("name", [graphs.FILE, graphs.CARD])
def test_a_cache_that_was_cut_is_torch_and_made_anew(cache: GraphCache, name: str, monkeypatch) -> None:
    for file in cache._folder.glob(f"*/{name}"):
        file.write_bytes(file.read_bytes()[:-7])
    own = OwnGraphs(cache, module="tests.no_such_child")
    with contextlib.closing(devices_with(own)) as devices:
        paint(devices)
        assert not native(devices) and own.wait(SECONDS)


@pytest.mark.parametrize(("module", "seconds"), [("tests.no_such_child", 60.0), ("tests.hanging_child", 1.0)])
def test_an_export_that_dies_or_hangs_is_not_tried_again(tmp_path: Path, module: str, seconds: float) -> None:
    cache = GraphCache(tmp_path / "graphs")
    with contextlib.closing(devices_with(own := OwnGraphs(cache, module, seconds))) as devices:
        for _ in range(3):
            assert paint(devices).images.any()
        assert own.wait(SECONDS)
        assert {cache.verdict(one) for one in structures()} == {FAILED}
    with contextlib.closing(devices_with(again := OwnGraphs(cache, module, seconds))) as devices:
        paint(devices)
        paint(devices)
        assert again._thread is None and not again._asked


def test_closing_ends_the_export(tmp_path: Path, monkeypatch) -> None:
    started, begin = [], process.start
    monkeypatch.setattr(process, "start", lambda *given: (started.append(begin(*given)), started[-1])[-1])
    cache = GraphCache(tmp_path / "graphs")
    with contextlib.closing(devices_with(own := OwnGraphs(cache, "tests.hanging_child"))) as devices:
        paint(devices)
        paint(devices)
        until = time.monotonic() + 60
        while not started and time.monotonic() < until:
            time.sleep(0.01)
    assert own.wait(60) and started[0].poll() is not None
    assert {cache.verdict(one) for one in structures()} == {""}, "it was not its fault"


def test_without_the_exporter_or_onnxruntime_nothing_is_tried(tmp_path: Path, monkeypatch) -> None:
    own = OwnGraphs(GraphCache(tmp_path / "graphs"), module="tests.hanging_child")
    with monkeypatch.context() as patch, contextlib.closing(devices_with(own)) as devices:
        patch.setattr(own_graphs, "_can_export", lambda: False)
        paint(devices)
        paint(devices)
        patch.setattr(judging, "available", lambda: False)
        paint(devices)
        assert own._thread is None
        assert not (tmp_path / "graphs").exists() or not os.listdir(tmp_path / "graphs")
