"""Loads, moves, drops and imports from many threads at once, and models that leave nothing behind."""

import ast
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import libs, models
from pipelines.data.sets import get as data_set
from pipelines.device import memory
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.leases import lease
from pipelines.families.learning import build
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from tests.tiny import tiny_model
from tests.tiny_zoo import tiny_model as other_model

ROOT = Path(libs.__file__).parent
OFFLINE = ("training", "evaluation")  # run by hand, never inside the studio


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "kl", "kl")
    other_model(folder / "sdxl", "sdxl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def in_threads(*works) -> list[BaseException]:
    """Run all at once; what they raised."""
    faults: list[BaseException] = []

    def guarded(work) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    return faults


@pytest.mark.slow
def test_loads_moves_drops_and_pictures_from_many_threads_at_once(home):
    kinds = ("kl", "sdxl")
    infos = {kind: models.inspect(home / kind) for kind in kinds}
    sizes = [loading.load(info).nbytes for info in infos.values()]
    devices = DeviceManager("cpu", budget_bytes=max(sizes) + 1000, threads=1, probe=Machine, patience=60)
    over = threading.Event()

    def pictures(kind: str):
        def work() -> None:
            asked = {"model": kind, "width": 64, "height": 64, "num_inference_steps": 1, "upscale": "none", "seed": 1}
            for _ in range(3):
                *_, result = TextToImage().stream(TextToImageRequest.parse(asked), devices)
                made.setdefault(kind, set()).add(result.images.tobytes())

        return work

    def moves() -> None:
        for i in range(6):
            with lease(infos[kinds[i % 2]], devices) as model:
                model.to("cpu")
                assert not any(p.is_meta for part in model._parts.values() for p in part.parameters())

    def drops() -> None:
        took = 0.0
        while not over.wait(max(0.01, 3 * took)):  # each collects garbage, which stops every other thread meanwhile
            started = time.monotonic()
            devices.drop_idle()
            devices.make_room()
            took = time.monotonic() - started

    def until_the_others_are_done() -> None:
        try:
            faults.extend(in_threads(pictures("kl"), pictures("sdxl"), moves, moves))
        finally:
            over.set()

    made: dict[str, set[bytes]] = {}
    faults: list[BaseException] = []
    faults += in_threads(until_the_others_are_done, drops)
    assert faults == []
    assert {kind: len(found) for kind, found in made.items()} == {"kl": 1, "sdxl": 1}
    devices.close()


def test_a_network_that_is_built_while_a_model_loads_is_sound(home):
    """The libraries patch torch for all threads while they load: modules would be built on no device at all."""
    info, over, built = models.inspect(home / "sdxl"), threading.Event(), []

    def loads() -> None:
        try:
            for _ in range(4):
                loading.load(info)
        finally:
            over.set()

    def builds() -> None:
        data = data_set("digits")
        while not over.is_set():
            built.append({p.device.type for p in build("vae", data, {}).parameters()})

    assert in_threads(loads, builds) == []
    assert built and all(kinds == {"cpu"} for kinds in built)


@pytest.mark.slow
def test_first_imports_from_many_threads_succeed():
    code = """
        import threading
        from pipelines import libs
        names = [("diffusers", "StableDiffusionPipeline")] * 3
        names += [("diffusers", n) for n in ("UNet2DConditionModel", "AutoencoderKL", "FluxTransformer2DModel")]
        names += [("transformers", n) for n in ("CLIPTextModel", "T5EncoderModel", "T5TokenizerFast")]
        faults, start = [], threading.Barrier(len(names))
        def fetch(library, name):
            try:
                start.wait()
                libs.named(library, name)
                libs.diffusers(), libs.transformers(), libs.torch()
            except Exception as fault:
                faults.append(repr(fault))
        threads = [threading.Thread(target=fetch, args=pair) for pair in names]
        [t.start() for t in threads], [t.join() for t in threads]
        print(faults)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT.parent, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_nothing_passes_by_the_door():
    inside = [file for file in ROOT.rglob("*.py") if not set(file.parts) & set(OFFLINE)]
    assert len(inside) > 100
    assert [
        file.name for file in inside if imported_by(file) & {"diffusers", "transformers", "accelerate", "peft"}
    ] == []


def imported_by(file: Path) -> set[str]:
    """The packages that a file imports anywhere, also inside functions."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return {name.split(".")[0] for name in names}


def test_a_first_import_waits_until_a_load_is_over(monkeypatch):
    monkeypatch.setattr(libs, "_known", {})
    thread = threading.Thread(target=lambda: libs.named("diffusers", "AutoencoderKL"))
    with libs.door:
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(20)
    assert not thread.is_alive()


def test_who_has_the_libraries_does_not_wait_for_somebody_elses_load():
    libs.torch(), libs.diffusers()
    with libs.door:
        thread = threading.Thread(target=lambda: (libs.torch(), libs.diffusers()))
        thread.start()
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.slow
def test_twenty_switches_between_two_models_end_with_the_memory_of_the_first(home):
    infos = [models.inspect(home / kind) for kind in ("kl", "sdxl")]
    devices = DeviceManager("cpu", budget_bytes=loading.load(infos[1]).nbytes + 1, threads=1, probe=Machine)
    gone: list[weakref.ref] = []

    def switch() -> None:
        for info in infos:
            asked = {"model": info.name, "width": 64, "height": 64, "num_inference_steps": 1, "upscale": "none"}
            list(TextToImage().stream(TextToImageRequest.parse(asked), devices))
            with lease(info, devices) as model:
                gone.append(weakref.ref(model))

    switch()
    switch()  # caches of the libraries fill in the first rounds
    gc.collect()
    first = memory.resident_memory()
    for _ in range(10):
        switch()
    devices.drop_idle()
    assert all(model() is None for model in gone)
    assert memory.resident_memory() - first < 50 * 2**20
    devices.close()
