"""What a config asks for is counted before anything is built, and what a library raises over it is a sentence."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from pipelines import models
from pipelines.device.entering import Entering
from pipelines.device.memory import resident_memory
from pipelines.diffusion import loading
from pipelines.errors import BadFile, BadRequest
from pipelines.models import building, faults
from pipelines.models.faults import as_bad_file, faults_of
from tests.tiny import tiny_model


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", "kl")


def changed(sound: Path, target: Path, file: str, **values: Any) -> Path:
    folder = Path(shutil.copytree(sound, target))
    config = json.loads((folder / file).read_text()) | values
    (folder / file).write_text(json.dumps(config))
    return folder


BLOCKS = 64
HUGE: dict[str, tuple[str, dict[str, Any]]] = {
    # 10 GB, 7 GB and more than a minute, each with bounds on single values kept
    "vocab_size": ("text_encoder", {"vocab_size": 300_000, "hidden_size": 4096}),
    "num_hidden_layers": ("text_encoder", {"num_hidden_layers": 48, "hidden_size": 4096, "intermediate_size": 16384}),
    "block_out_channels": ("unet", {"block_out_channels": [2048, 2048]}),
    "down_block_types": (
        "unet",
        {
            "block_out_channels": [32] * BLOCKS,
            "down_block_types": ["CrossAttnDownBlock2D"] * BLOCKS,
            "up_block_types": ["CrossAttnUpBlock2D"] * BLOCKS,
            "layers_per_block": 8,
            "transformer_layers_per_block": 16,
        },
    ),
}


@pytest.mark.parametrize("key", HUGE)
def test_a_config_that_asks_for_more_than_its_weights_hold_costs_nothing(key: str, sound: Path, tmp_path: Path) -> None:
    part, values = HUGE[key]
    info = models.inspect(changed(sound, tmp_path / "m", f"{part}/config.json", **values))
    before, began = resident_memory(), time.thread_time()
    with pytest.raises(BadFile, match=rf"{part}/config.json asks for .* weights") as refused:
        loading.load(info)
    assert resident_memory() - before < 300 * 2**20
    assert time.thread_time() - began < 20
    assert len(str(refused.value)) < 300
    if key in ("vocab_size", "block_out_channels"):
        assert key in str(refused.value)


def test_tables_beside_the_weights_are_bounded_too() -> None:
    class Tables(nn.Module):
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> "Tables":
            made = cls()
            made.register_buffer("positions", torch.outer(torch.arange(config["n"]), torch.arange(config["n"])))
            return made

    before = resident_memory()
    with pytest.raises(BadFile, match="n = 400000|asks for"):
        building._check(Tables, {"n": 400_000}, "unet", {"a": (1,)}, 0)
    assert resident_memory() - before < 100 * 2**20


def test_what_is_made_on_the_cpu_in_spite_of_all_is_counted_before_it_is_made() -> None:
    class Insists(nn.Module):
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> "Insists":
            row = torch.arange(config["n"], device="cpu", dtype=torch.float64)
            torch.outer(row, row)
            return cls()

    before = resident_memory()
    with pytest.raises(BadFile, match="asks for"):
        building._check(Insists, {"n": 200_000}, "unet", {"a": (1,)}, 0)  # 320 GB
    assert resident_memory() - before < 100 * 2**20


def test_what_passed_is_not_built_again(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = models.inspect(sound)
    arguments = (UNet2DConditionModel, info.configs["unet"], "unet", info.weights["unet"])
    building.check(*arguments)
    monkeypatch.setattr(building, "empty", lambda *_: pytest.fail("it is built again"))
    building.check(*arguments)


def test_a_shipped_model_is_not_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "check", lambda *_: pytest.fail("it is counted"))
    loading.load(models.inspect(models.find("aigc-mini")))


def test_a_value_that_makes_no_sense_is_named(sound: Path, tmp_path: Path) -> None:
    info = models.inspect(changed(sound, tmp_path / "m", "unet/config.json", act_fn="swishy"))
    with pytest.raises(BadFile, match=r"act_fn in unet/config.json: it is 'swishy'"):
        loading.load(info)


# one place for what libraries raise


class PanicException(BaseException):
    pass


LIBRARIES_RAISE = (
    *(AttributeError("x"), ImportError("x"), Exception("x"), RecursionError(), OverflowError(), ZeroDivisionError()),
    *(
        AssertionError(),
        RuntimeError("size mismatch for conv_in"),
        KeyError("a"),
        PanicException("index out of bounds"),
    ),
)


@pytest.mark.parametrize("error", LIBRARIES_RAISE, ids=lambda error: type(error).__name__)
def test_whatever_a_library_raises_is_a_sentence_and_the_log_keeps_the_rest(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BadFile, match="the vae is odd"), as_bad_file("the vae is odd."):
        raise error
    assert caplog.records[0].exc_info and caplog.records[0].exc_info[1] is error


PASS = (BadRequest("no"), MemoryError(), RuntimeError("CUDA out of memory"), KeyboardInterrupt(), SystemExit())
PASS += (RuntimeError("CUDA error: an illegal memory access was encountered"),)


@pytest.mark.parametrize("error", (*PASS, GeneratorExit()), ids=lambda error: type(error).__name__)
def test_what_is_no_fault_of_the_file_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, as_bad_file("the vae is odd."):
        raise error
    assert raised.value is error


def test_a_mistake_of_ours_while_a_stranger_s_model_paints_stays_one(sound: Path) -> None:
    info = models.inspect(sound)
    with pytest.raises(ZeroDivisionError), faults_of(info):
        _divided_by_ours()
    with pytest.raises(BadFile, match="cannot be painted with"), faults_of(info):
        torch.matmul(torch.zeros(2, 3), torch.zeros(2, 3))


def _divided_by_ours() -> None:
    code = compile("1 / 0", str(Path(faults.__file__)), "eval")
    eval(code)


# loading yields


@contextmanager
def slow(begun: threading.Event, gone: threading.Event) -> Iterator[str]:
    begun.set()
    time.sleep(1.5)
    try:
        yield "model"
    finally:
        gone.set()


def test_a_load_is_left_at_once_and_given_back_when_it_is_done() -> None:
    begun, gone = threading.Event(), threading.Event()
    with Entering(lambda: slow(begun, gone)) as entering:
        events = entering.progress("loading")
        assert next(events).stage == "loading"
        assert begun.is_set() and not gone.is_set()
    assert not gone.is_set(), "it waited for the load"
    assert gone.wait(30)


def test_what_a_load_raises_comes_through() -> None:
    @contextmanager
    def fails() -> Iterator[None]:
        raise BadFile("the vae is odd.")
        yield

    with pytest.raises(BadFile, match="odd"), Entering(fails) as entering:
        list(entering.progress("loading"))
