"""The native networks paint what torch paints; whatever happens to their process, every picture comes out."""

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
import torch
from onnx import TensorProto, helper

from pipelines import models
from pipelines.device.evaluations import Rows
from pipelines.device.manager import DeviceManager
from pipelines.device.native import judged as judging
from pipelines.device.native import session as sessions
from pipelines.device.native import shared
from pipelines.device.native.judged import DIED, NO_MEMORY, REFUSED, WRONG, Judged
from pipelines.device.native.session import Exported, Session
from pipelines.device.worker import Worker
from pipelines.diffusion import leases, loading, native
from pipelines.diffusion.addons.control import Control
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.architectures.unet import NativeUNet, UNetModel, UNetNetwork
from pipelines.diffusion.decoding import Decoder
from pipelines.diffusion.native import Native, NativeNetwork, weights_of
from pipelines.engine.queue import JobQueue
from pipelines.events import Frame, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models import graphs
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.images import ImageStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="numbers are handed over by open files")

NAME = "aigc-mini"
INFO = models.inspect(models.find(NAME))
STEPS = 6


@pytest.fixture
def devices() -> Iterator[DeviceManager]:
    """Its own for each test: what is given up is given up for as long as the model is loaded."""
    manager = DeviceManager("cpu", threads=1)
    yield manager
    manager.close()


@pytest.fixture(scope="module")
def right() -> Result:
    """The picture that all others must be, bit for bit."""
    manager = DeviceManager("cpu", threads=1)
    result = paint(manager)
    manager.close()
    assert result.notes == ()
    return result


@pytest.fixture(scope="module")
def in_torch(right: Result) -> Result:
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(DeviceManager("cpu", threads=1)) as manager:
        patch.setattr(native, "available", lambda: False)
        return paint(manager)


def request(**values: object) -> TextToImageRequest:
    asked = {"model": NAME, "prompt": "a panda", "seed": 3, "num_inference_steps": STEPS, "upscale": "none"}
    return TextToImageRequest.parse(asked | values)


def paint(devices: DeviceManager, **values: object) -> Result:
    *_, last = TextToImage().stream(request(**values), devices)
    assert isinstance(last, Result)
    return last


@contextlib.contextmanager
def leased(devices: DeviceManager) -> Iterator[UNetModel]:
    with leases.lease(INFO, devices) as model:
        assert isinstance(model, UNetModel)
        yield model


def session_of(devices: DeviceManager) -> Session:
    with leased(devices) as model:
        assert model.native is not None
        return model.native.session


def network_of(devices: DeviceManager, part: str) -> NativeNetwork:
    with leased(devices) as model:
        assert model.native is not None
        return model.native.networks[part]


def give(devices: DeviceManager, **exported: Exported) -> Session:
    """The model another native process, with those parts in it; what is not named works in torch."""
    networks = {part: network_of(devices, part) for part in exported}
    session = Session(exported, lambda: 1, call_seconds=5.0)
    give_session(devices, session, networks)
    return session


def give_session(devices: DeviceManager, session: Session, networks: dict[str, NativeNetwork]) -> None:
    with leased(devices) as model:
        judged = {part: replace(network, judged=Judged(session, part)) for part, network in networks.items()}
        model.native = Native(session, judged)


def weights(devices: DeviceManager, part: str) -> dict[str, np.ndarray]:
    with leased(devices) as model:
        return {name: tensor.numpy() for name, tensor in weights_of(model.part(part)).items()}


def sound(devices: DeviceManager, part: str) -> Exported:
    arrays = weights(devices, part)
    return Exported(network_of(devices, part).graph.onnx, lambda: arrays)


def wrong(devices: DeviceManager, part: str, factor: float) -> Exported:
    """With weights that are not the part's."""
    arrays = weights(devices, part)
    name = next(name for name in arrays if name.endswith("conv_in.weight"))
    arrays[name] = arrays[name] * np.float32(factor)
    return Exported(network_of(devices, part).graph.onnx, lambda: arrays)


def same(one: Result, other: Result) -> bool:
    return np.array_equal(one.images, other.images)


def test_the_process_is_used_and_the_picture_is_that_of_torch(devices, right, in_torch) -> None:
    assert same(paint(devices), right)
    assert session_of(devices).pid is not None
    assert np.abs(right.images.astype(int) - in_torch.images).max() <= 2
    assert in_torch.notes == ()


def test_predictions_are_those_of_torch_within_the_order_of_sums(devices) -> None:
    with leased(devices) as model, torch.inference_mode():
        for side in (4, 8, 16):
            network = model.network((model.latent_channels, side, side))
            assert isinstance(network, NativeUNet)
            asked = rows(model, network.batch_rows, side, seed=side)
            for _ in range(2):  # the second is not judged any more
                native = network(asked.x, asked.timesteps, asked.context)
                torch.testing.assert_close(
                    native, network.in_torch()(asked.x, asked.timesteps, asked.context), atol=3e-4, rtol=1e-3
                )


def rows(model: UNetModel, n: int, side: int, seed: int) -> Rows:
    g = torch.Generator().manual_seed(seed)
    width = model.unet.config.encoder_hid_dim or model.unet.config.cross_attention_dim
    x = torch.randn(n, model.latent_channels, side, side, generator=g)
    told = {"encoder_hidden_states": torch.randn(n, 40, width, generator=g)}
    return Rows(x, torch.rand(n, generator=g) * 999, told)


def test_rows_have_the_same_bits_alone_and_in_any_company(devices) -> None:
    worker = Worker(threads=1)
    with leased(devices) as model, contextlib.closing(worker):
        network = model.network((model.latent_channels, 8, 8))
        asked = [rows(model, n, 8, seed) for seed, n in enumerate([2, 1, 3, 2, 5])]
        alone = [worker.evaluate(network, each) for each in asked]
        with ThreadPoolExecutor(5) as pool:
            for _ in range(3):
                crowd = list(pool.map(lambda each: worker.evaluate(network, each), asked))
                assert all(torch.equal(a, c) for a, c in zip(alone, crowd, strict=True))
    assert worker.stats.batches < worker.stats.evaluations * 2


@pytest.mark.parametrize("at", [0, 2, STEPS - 1])
def test_a_process_killed_in_the_middle_of_a_job_costs_no_picture_and_no_bit(devices, right, at: int) -> None:
    stream = TextToImage().stream(request(), devices)
    killed, last = [], None
    for event in stream:
        if isinstance(event, Frame) and event.index == at and session_of(devices).pid:
            killed.append(session_of(devices).pid)
            os.kill(killed[-1], signal.SIGKILL)
        last = event
    assert isinstance(last, Result)
    assert same(last, right) and last.notes == ()
    assert session_of(devices).deaths == len(killed) or at == STEPS - 1


def test_a_process_killed_while_many_jobs_wait_for_it_costs_none_of_them(devices) -> None:
    seeds = range(5)
    alone = [paint(devices, seed=seed, num_inference_steps=12) for seed in seeds]
    session, over, stats = session_of(devices), threading.Event(), devices.worker().stats

    def kill() -> None:
        """Now and then, and no call twice."""
        last = stats.batches
        while not over.wait(0.1) and session.deaths < sessions.MOST_DEATHS - 2:
            if stats.batches > last + 5 and (pid := session.pid):
                os.kill(pid, signal.SIGKILL)
                last = stats.batches

    killer = threading.Thread(target=kill)
    killer.start()
    with ThreadPoolExecutor(5) as pool:
        crowd = list(pool.map(lambda seed: paint(devices, seed=seed, num_inference_steps=12), seeds))
    over.set()
    killer.join()
    assert session.deaths > 0
    assert all(same(a, c) and c.notes == () for a, c in zip(alone, crowd, strict=True))


def test_a_hanging_process_is_replaced_and_the_job_goes_on(devices, right) -> None:
    assert same(paint(devices), right)
    session = session_of(devices)
    session._call_seconds = 4.0
    assert session.pid
    os.kill(session.pid, signal.SIGSTOP)
    assert same(paint(devices), right)
    assert session.deaths == 1


def test_a_job_cancelled_in_the_middle_of_a_call_leaves_nothing_behind(devices, right) -> None:
    assert same(paint(devices), right)
    session = session_of(devices)
    session._call_seconds = 3.0
    stream = TextToImage().stream(request(seed=4), devices)
    assert any(isinstance(event, Frame) for event in stream), "it has begun"
    assert session.pid
    os.kill(session.pid, signal.SIGSTOP)
    caller = threading.Thread(target=lambda: next(stream))
    caller.start()
    time.sleep(0.3)
    caller.join()  # a stream is closed between two of its steps, by the thread that drives it
    stream.close()
    assert same(paint(devices), right)
    assert paint(devices, seed=4).notes == ()


def given_up(devices: DeviceManager, why: str, in_torch: Result) -> None:
    """All pictures are torch's, and say so."""
    for _ in range(2):
        result = paint(devices)
        assert same(result, in_torch)
        assert result.notes == (why,) and result.recipes[0]["notes"] == [why]


def test_wrong_numbers_are_noticed_at_the_first_call(devices, in_torch) -> None:
    give(devices, unet=wrong(devices, "unet", 1.01))
    given_up(devices, WRONG, in_torch)


def test_numbers_that_are_none_are_noticed(devices, in_torch) -> None:
    give(devices, unet=wrong(devices, "unet", np.nan))
    given_up(devices, WRONG, in_torch)


def test_a_process_that_always_hangs_is_left(devices, in_torch) -> None:
    child = "tests.pipelines.device.native.odd_child"
    hangs = json.dumps({"at": 1, "does": "hang"}).encode()
    one = {"life": np.float32([1]), "w": np.float32([1])}
    session = Session({"unet": Exported(hangs, lambda: one)}, lambda: 1, child, call_seconds=1.0)
    give_session(devices, session, {"unet": network_of(devices, "unet")})
    given_up(devices, DIED, in_torch)


def test_without_memory_to_share_torch_paints(devices, in_torch, monkeypatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared.os, "posix_fallocate", full)
    given_up(devices, NO_MEMORY, in_torch)


def hostile(nodes: list[Any], initializers: tuple = (), opset: int = 20, ir: int = 10) -> bytes:
    """A sound ONNX file that takes what the UNet takes."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in ("x", "timesteps", "encoder_hidden_states")
    ]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "hostile", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir).SerializeToString()


def huge() -> bytes:
    """A picture from nothing of 2^44 bytes."""
    size = helper.make_tensor("size", TensorProto.INT64, [2], [2**21, 2**21])
    return hostile([helper.make_node("ConstantOfShape", ["size"], ["prediction"])], (size,))


def endless() -> bytes:
    """A loop that never ends."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Cos", ["before"], ["after"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    most = helper.make_tensor("most", TensorProto.INT64, [], [2**62])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    return hostile([helper.make_node("Loop", ["most", "yes", "x"], ["prediction"], body=body)], (most, yes))


def reading_a_file() -> bytes:
    """Weights that are a file of the machine."""
    stolen = TensorProto(name="stolen", data_type=TensorProto.UINT8, dims=[16], data_location=TensorProto.EXTERNAL)
    stolen.external_data.add(key="location", value="/etc/passwd")
    return hostile([helper.make_node("Cast", ["stolen"], ["prediction"], to=TensorProto.FLOAT)], (stolen,))


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (b"", REFUSED),
        (b"\x08" * 1000, REFUSED),
        (hostile([helper.make_node("Nonsense", ["x"], ["prediction"])]), REFUSED),
        (hostile([helper.make_node("Relu", ["timesteps"], ["prediction"])]), REFUSED),
        (hostile([helper.make_node("Relu", ["x"], ["prediction"])]), WRONG),
        (huge(), REFUSED),
        (endless(), DIED),
        (reading_a_file(), REFUSED),
        (hostile([helper.make_node("Relu", ["x"], ["prediction"])], opset=999), REFUSED),
        (hostile([helper.make_node("Relu", ["x"], ["prediction"])], ir=999), REFUSED),
    ],
    ids=[
        "empty",
        "garbage",
        "unknown",
        "other-shape",
        "other-numbers",
        "huge",
        "endless",
        "a-file",
        "operators-of-a-later-version",
        "a-file-of-a-later-version",
    ],
)
def test_a_hostile_graph_costs_nothing_but_its_speed(devices, in_torch, graph: bytes, why: str) -> None:
    give(devices, unet=Exported(graph, dict))
    given_up(devices, why, in_torch)


def test_the_shipped_graph_cut_anywhere_is_refused(devices, in_torch) -> None:
    whole = sound(devices, "unet")
    for share in (0.1, 0.9):
        give(devices, unet=Exported(whole.graph[: int(len(whole.graph) * share)], whole.weights))
        given_up(devices, REFUSED, in_torch)


def test_without_onnxruntime_torch_paints_and_the_log_says_so(devices, in_torch, monkeypatch, caplog) -> None:
    monkeypatch.setattr(judging.importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        result = paint(devices)
    assert same(result, in_torch) and result.notes == ()
    assert "onnxruntime is not installed" in caplog.text


def test_an_onnxruntime_that_cannot_be_imported_is_left(devices, in_torch) -> None:
    child = "tests.pipelines.device.native.unusable_child"
    session = Session({"unet": sound(devices, "unet")}, lambda: 1, child)
    give_session(devices, session, {"unet": network_of(devices, "unet")})
    given_up(devices, DIED, in_torch)
    assert session.deaths == sessions.STARTS_A_CALL


def test_a_graph_of_another_model_is_not_used(monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(graphs, "config_digest", lambda config: "another")
        other = loading.load(INFO)
    assert isinstance(other, UNetModel) and other.native is None
    assert type(other.network((other.latent_channels, 8, 8))) is UNetNetwork


def test_sizes_that_the_graph_is_not_for_are_painted_by_torch(devices) -> None:
    """Odd sides pass through the UNet in another way than even ones; at large sizes attention fills the memory."""
    with leased(devices) as model:
        assert isinstance(model.network((model.latent_channels, 32, 32)), NativeUNet)
        for sides in [(64, 64), (7, 8), (8, 7)]:
            assert type(model.network((model.latent_channels, *sides))) is UNetNetwork


def test_two_threads_are_allowed_to_start(devices) -> None:
    """The system counts threads as processes, and a process that reads a stranger's file may start none."""
    with leased(devices) as model, torch.inference_mode():
        session = Session({"unet": sound(devices, "unet")}, lambda: 2)
        give_session(devices, session, {"unet": network_of(devices, "unet")})
        asked = rows(model, 2, 8, seed=1)
        network = model.network((model.latent_channels, 8, 8))
        assert isinstance(network, NativeUNet)
        network(asked.x, asked.timesteps, asked.context)
        assert network.notes == () and session.pid is not None


def test_what_stands_beside_a_model_asks_torch(devices) -> None:
    """Add-ons change the UNet or ask it for more: its graph knows neither."""
    with leased(devices) as model:
        shape = (model.latent_channels, 8, 8)
        assert isinstance(model.network(shape), NativeUNet)
        changed = model.with_parts({"unet": sharing(model.unet)}, "changed")
        assert type(changed.network(shape)) is UNetNetwork
        network = model.network(shape)
        assert isinstance(network, NativeUNet) and type(network.in_torch()) is UNetNetwork
        controlled = Control(Any, 0, "control", None, np.zeros((1, 1, 3), np.uint8)).network(network)
        assert type(controlled.unet) is UNetNetwork
        asked = rows(model, network.batch_rows, 8, seed=0)
        more = {"timestep_cond": None}
        with torch.inference_mode():
            assert torch.equal(
                network(asked.x, asked.timesteps, asked.context, **more),
                network.in_torch()(asked.x, asked.timesteps, asked.context),
            )


def latents_of(model: UNetModel, side: int, seed: int) -> torch.Tensor:
    return torch.randn(model.latent_channels, side, side, generator=torch.Generator().manual_seed(seed))


def decoded(decoder: Decoder, latents: torch.Tensor) -> np.ndarray:
    notes: list[str] = []
    picture = decoder.picture(latents, notes.append)
    assert notes == []
    return picture


def test_the_decoder_paints_what_torch_does_at_any_size(devices) -> None:
    with leased(devices) as model:
        native = model.decoder.native
        assert native is not None
        for sides in [(8, 8), (16, 8), (5, 7)]:
            latents = latents_of(model, 16, seed=1)[:, : sides[0], : sides[1]]
            right = decoded(replace(model.decoder, native=None), latents)
            for _ in range(2):  # the second is not judged any more
                assert np.abs(decoded(model.decoder, latents).astype(int) - right).max() <= 1
        assert len(native.judged._agreed) == 3 and not native.judged.why


def test_large_pictures_are_decoded_by_torch(devices) -> None:
    with leased(devices) as model:
        native = model.decoder.native
        assert native is not None
        assert native.suits(model.vae, (model.latent_channels, 32, 32))
        assert not native.suits(model.vae, (model.latent_channels, 64, 32))


def test_a_picture_is_decoded_to_the_same_bits_in_any_company(devices) -> None:
    with leased(devices) as model:
        latents = [latents_of(model, side, seed) for seed, side in enumerate([8, 8, 12, 8])]
        for each in latents:
            decoded(model.decoder, each)  # judged
        alone = [decoded(model.decoder, each) for each in latents]
        network, asked = model.network((model.latent_channels, 8, 8)), rows(model, 2, 8, seed=0)
        painting, worker = threading.Event(), Worker(threads=1)

        def paint_on() -> None:
            while not painting.is_set():
                worker.evaluate(network, asked)

        with contextlib.closing(worker), ThreadPoolExecutor(5) as pool:
            pool.submit(paint_on)
            crowd = [pool.submit(decoded, model.decoder, each) for each in latents * 2]
            pictures = [each.result() for each in crowd]
            painting.set()
        assert all(np.array_equal(a, c) for a, c in zip(alone * 2, pictures, strict=True))


@pytest.mark.parametrize("fault", [REFUSED, WRONG])
def test_a_decoder_that_is_given_up_leaves_the_network_native(devices, right, fault: str) -> None:
    ill = Exported(b"garbage", dict) if fault == REFUSED else wrong(devices, "vae", 1.01)
    session = give(devices, unet=sound(devices, "unet"), vae=ill)
    for _ in range(2):
        result = paint(devices)
        assert result.notes == (fault,)
        assert np.abs(result.images.astype(int) - right.images).max() <= 1
    assert network_of(devices, "vae").judged.why == fault
    assert network_of(devices, "unet").judged.why == "" and session.pid is not None


def test_the_process_counts_in_the_budget_with_what_it_takes(devices) -> None:
    paint(devices)
    with leased(devices) as model:
        assert model.native is not None
        (told,) = devices.loaded()
        assert told["bytes"] == model.nbytes + model.native.nbytes
        pid = model.native.session.pid
        assert pid is not None
        taken = psutil.Process(pid).memory_full_info().pss
        assert 0.5 * taken <= model.native.nbytes <= 2 * taken


def test_a_budget_without_room_for_the_process_is_painted_by_torch(in_torch) -> None:
    weights = loading.load(INFO).nbytes
    with contextlib.closing(DeviceManager("cpu", budget_bytes=weights + 2**20, threads=1)) as manager:
        result = paint(manager)
        assert same(result, in_torch) and result.notes == ()
        assert [told["bytes"] for told in manager.loaded()] == [weights]


def test_whoever_needs_room_ends_the_process_and_the_next_picture_is_the_same(devices, right) -> None:
    assert same(paint(devices), right)
    with leased(devices):  # it is not idle, so it stays
        pid = session_of(devices).pid
        assert pid is not None
        devices.make_room()
        assert session_of(devices).pid is None and not psutil.pid_exists(pid)
    assert same(paint(devices), right)
    assert session_of(devices).deaths == 0


def test_a_job_that_is_cancelled_in_the_midst_of_a_call_ends_with_it(devices, tmp_path) -> None:
    """A call is 0.02 s in one piece, 0.27 s at the largest size: less than torch's, which a stop waits for, too."""
    session = Session({"unet": sound(devices, "unet")}, lambda: 1, "tests.pipelines.device.native.slow_child")
    give_session(devices, session, {"unet": network_of(devices, "unet")})
    queue, stats = JobQueue(devices, ImageStore(tmp_path)), devices.worker().stats
    job = queue.submit("text-to-image", request(num_inference_steps=150), "somebody")
    deadline = time.monotonic() + 300
    while stats.batches < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = stats.batches  # counted before the call, so that one is on its way
    queue.cancel(job.id, "somebody")
    assert list(job.events()) and job.over
    assert 4 <= begun and stats.batches <= begun + 1
    queue.close()


def test_a_model_that_is_let_go_takes_its_process_along(devices, right) -> None:
    assert same(paint(devices), right)
    pid = session_of(devices).pid
    assert pid
    devices.drop_idle()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("part", graphs.PARTS)
def test_the_file_is_one_that_onnx_itself_accepts(part: str) -> None:
    graph = graphs.shipped(INFO)[part]
    proto = onnx.load_model_from_string(graph.onnx)
    assert [each.name for each in proto.graph.input] == list(graph.inputs)
    assert not proto.functions and {each.domain for each in proto.opset_import} == {""}
