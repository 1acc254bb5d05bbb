"""The families' room: race, latents, there and back, training in front of the class, on the models as shipped."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import lab
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame, Loss, Result, Snapshot, StopEarly
from pipelines.families import latents, shelf
from pipelines.families.learning import base_noise
from pipelines.families.pictures import pixels
from pipelines.learning import pace

BOTH = ("digits", "icons")
FAMILIES = ("gan", "vae", "vq", "flow", "diffusion", "flow-matching")
FILE = Path(__file__).parents[3] / "assets" / "lessons" / "lessons.json"
LESSONS = {lesson["name"]: lesson for lesson in json.loads(FILE.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    with contextlib.closing(DeviceManager("cpu")) as made:
        yield made


def stream(devices: DeviceManager, name: str, **values: Any) -> list[Any]:
    generator = registry.get(name)
    return list(generator.stream(generator.request_type.parse(values), devices))


def ask(devices: DeviceManager, name: str, **values: Any) -> dict[str, Any]:
    experiment = lab.get(name)
    return experiment.answer(experiment.request_type.parse(values), devices)


def pictures(devices: DeviceManager, family: str, **values: Any) -> np.ndarray:
    frames = [e for e in stream(devices, "family", family=family, **values) if isinstance(e, Frame)]
    return frames[-1].x


@pytest.mark.parametrize("data", BOTH)
def test_every_family_is_shipped_for_every_set(data: str) -> None:
    assert {family for known, family in shelf.available() if known == data} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_pictures_alone_and_in_company(devices: DeviceManager, family: str) -> None:
    few, many = (pictures(devices, family, data="digits", seed=5, count=count) for count in (3, 9))
    assert np.abs(few.astype(int) - many[:3]).max() <= 1, "rounding may differ with the size of a batch"
    assert np.abs(pictures(devices, family, data="digits", seed=99, count=3).astype(int) - few).max() > 50


def test_a_race_ends_with_all_families_done_and_their_states_kept(devices: DeviceManager) -> None:
    *others, last = [e for e in stream(devices, "family-race", data="digits") if isinstance(e, Snapshot)]
    rows = last.values["rows"]
    assert last.values["over"] and set(rows) == set(FAMILIES)
    assert all(row["done"] and row["seconds"] > 0 for row in rows.values())
    assert [rows[name]["evaluations"] for name in FAMILIES] == [1, 1, 16, 1, 20, 20]
    assert len(rows["diffusion"]["x"]) == 20 and rows["gan"]["x"].shape == (1, 8, 80, 3)
    assert np.array_equal(rows["vae"]["x"][-1], np.concatenate(list(pictures(devices, "vae", data="digits")), axis=1))


def test_a_race_that_is_stopped_gives_all_models_back(devices: DeviceManager) -> None:
    generator = registry.get("family-race")
    going = generator.stream(generator.request_type.parse({"num_inference_steps": 100}), devices)
    next(event for event in going if isinstance(event, Snapshot))
    assert any(held["leases"] for held in devices.loaded())
    with pytest.raises(StopEarly):
        going.throw(StopEarly())
    assert not any(held["leases"] for held in devices.loaded())


@pytest.mark.slow
def test_all_run_at_once_within_a_budget_that_fits_only_two() -> None:
    four = ("gan", "vae", "flow", "diffusion")
    sizes = {family: shelf.load("icons", family).nbytes for family in four}
    budget = sum(sorted(sizes.values())[-2:])
    with contextlib.closing(DeviceManager("cpu", budget_bytes=budget)) as small:
        alone = {family: pictures(small, family, count=2) for family in four}
        most = []
        together: dict[str, np.ndarray] = {}

        def work(family: str) -> None:
            together[family] = pictures(small, family, count=2)
            most.append(sum(int(str(held["bytes"])) for held in small.loaded()))

        threads = [threading.Thread(target=work, args=(family,)) for family in four * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert set(together) == set(four) and max(most) <= budget
        assert all(np.array_equal(alone[family], together[family]) for family in four)
        assert not any(held["leases"] for held in small.loaded())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_corners_of_the_square_are_the_four_seeds(devices: DeviceManager, family: str) -> None:
    asked = {"data": "digits", "family": family, "label": 3, "seed": 11}
    corner = ask(devices, "latents", across=1, down=1, **asked)["picture"]
    sample = pictures(devices, family, data="digits", label=3, seed=14, count=1)
    assert np.abs(corner.astype(int) - sample).max() <= 1


def test_halfway_a_straight_line_is_shorter_than_base_noise_and_a_great_circle_is_not() -> None:
    a, b = (torch.randn(4096, generator=torch.Generator().manual_seed(i)) for i in range(2))
    assert float(latents.lerp(a, b, 0.5).square().mean().sqrt()) == pytest.approx(0.5**0.5, abs=0.02)
    assert float(latents.slerp(a, b, 0.5).square().mean().sqrt()) == pytest.approx(1, abs=0.02)
    for share, end in ((0.0, a), (1.0, b)):
        assert torch.allclose(latents.slerp(a, b, share), end, atol=1e-5)
    assert torch.allclose(latents.slerp(a, a, 0.3), a), "one place has no way to itself"


def test_the_plane_of_a_two_dimensional_z_is_the_vae_s_own(devices: DeviceManager) -> None:
    middle = ask(devices, "manifold", label=3)
    assert middle["sheet"].shape == (1, 10 * 10, 10 * 10, 3) and middle["z"] == [0, 0]
    model = shelf.load("digits", "vae-plane").model
    own = pixels(model.decode(torch.zeros(1, 2), torch.tensor([3])))
    assert np.abs(own.astype(int) - middle["picture"]).max() <= 1
    share = 8.5 / 10  # the middle of the ninth place
    corner = ask(devices, "manifold", label=3, across=share, down=0.5 / 10)
    assert np.abs(corner["sheet"][0, 1:9, 81:89].astype(int) - corner["picture"][0]).max() <= 1


MOST_ERROR = {"flow": 1e-4, "vae": 0.35, "vq": 0.35, "flow-matching": 0.1, "diffusion": 0.1, "gan": 0.7}


@pytest.mark.slow
@pytest.mark.parametrize("data", BOTH)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_that_nobody_trained_on_comes_back(devices: DeviceManager, family: str, data: str) -> None:
    answer = ask(devices, "round-trip", family=family, data=data, index=4)
    assert answer["error"] < MOST_ERROR[family]
    assert answer["source"].shape == answer["again"].shape


def test_a_flow_brings_back_in_double_precision_what_single_precision_loses() -> None:
    """A picture unlike all that it learned: its z is far out, and the error is told with that of double precision."""
    from pipelines.families.round_trip import as_data, error_in_double

    down, across = np.mgrid[0:64, 0:64] * 4
    x = as_data(np.stack([across, down, (across + down) // 2], -1).astype(np.uint8), (3, 32, 32))
    flow, label = shelf.load("icons", "flow").model, torch.tensor([0])
    with torch.no_grad():
        z = flow(x, label)[0]
        single = float((flow.inverse(z, label) - x).square().mean().sqrt())
    assert float(z.square().mean().sqrt()) > 1000, "usual is 1"
    assert single > 1 > 1e-3 > error_in_double(flow, x, label)


def test_only_a_flow_has_an_error_in_double_precision(devices: DeviceManager) -> None:
    answers = {family: ask(devices, "round-trip", family=family, data="digits") for family in ("flow", "vae")}
    assert 0 < answers["flow"]["error_in_double"] < 1e-12 < answers["flow"]["error"]
    assert answers["vae"]["error_in_double"] is None and answers["vae"]["z_length"] > 0


def test_a_picture_of_ones_own_is_made_to_fit(devices: DeviceManager) -> None:
    from pipelines.families.round_trip import as_data

    white = np.full((40, 60, 3), 255, np.uint8)
    assert as_data(white, (1, 8, 8)).flatten().tolist() == [-1.0] * 64, "paper is no ink"
    assert as_data(white, (3, 32, 32)).shape == (1, 3, 32, 32)


def test_what_is_not_shipped_is_refused_with_what_is(devices: DeviceManager) -> None:
    with pytest.raises(NotFound, match="no 'gan' trained on 'moons' is shipped"):
        shelf.load("moons", "gan")
    with pytest.raises(BadRequest, match="needs a grid of places"):
        registry.get("family-training").request_type.parse({"family": "vq", "data": "moons"})


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_tells_losses_and_snapshots_and_keeps_what_it_has_when_stopped(family: str) -> None:
    generator = registry.get("family-training")
    data = "digits" if family == "vq" else "gaussians"
    request = generator.request_type.parse({"family": family, "data": data, "training_steps": 5000, "width": 32})
    with contextlib.closing(DeviceManager("cpu")) as devices:
        going = generator.stream(request, devices)
        first = next(event for event in going if isinstance(event, Snapshot))
        loss = next(event for event in going if isinstance(event, Loss))
        after = [going.throw(StopEarly()), *going]
    assert first.step == 0 and loss.losses
    snapshot, result = after
    assert isinstance(snapshot, Snapshot) and 0 < snapshot.step < 100
    assert isinstance(result, Result) and len(result.images) == 0
    assert "sheet" in snapshot.values or len(snapshot.values["samples"]) == 500


def test_a_training_that_diverges_is_said_with_what_to_do(devices: DeviceManager) -> None:
    with pytest.raises(BadRequest, match="diverged.*smaller learning_rate"):
        stream(devices, "family-training", family="flow", learning_rate=10, training_steps=400)


@pytest.fixture
def last_snapshot_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock a slow machine takes many more snapshots than a fast one, each dearer than the steps between."""
    monkeypatch.setattr(pace, "EVERY_SECONDS", 1e6)


def figures(devices: DeviceManager, name: str, **values: Any) -> dict[str, Any]:
    """What the lesson's training ends with."""
    events = stream(devices, "family-training", **(LESSONS[name]["values"] | values))
    return [event for event in events if isinstance(event, Snapshot)][-1].values["figures"]


@pytest.mark.slow
@pytest.mark.usefixtures("last_snapshot_only")
def test_a_narrow_generator_forgets_modes_and_a_wide_one_or_todays_loss_does_not(devices: DeviceManager) -> None:
    narrow = figures(devices, "modes")
    assert 2 <= narrow["modes"] <= 6
    reveal = LESSONS["modes"]["reveal"]["en"]
    assert "prefers the real one in nine of ten pairs" in reveal and 0.87 < narrow["told_apart"] < 0.97
    assert figures(devices, "modes", generator_width=128)["modes"] >= 7
    assert figures(devices, "modes", game="relativistic")["modes"] >= 7


@pytest.mark.slow
@pytest.mark.usefixtures("last_snapshot_only")
def test_in_two_steps_flow_matching_does_no_better_than_diffusion(devices: DeviceManager) -> None:
    assert "Flow matching does no better in two" in LESSONS["few"]["reveal"]["en"]
    two, straight = (figures(devices, "few", family=family)["astray"] for family in ("diffusion", "flow-matching"))
    assert two > 0.8 and straight == pytest.approx(two, abs=0.03)


@pytest.mark.slow
@pytest.mark.usefixtures("last_snapshot_only")
def test_a_heavy_beta_makes_z_say_nothing(devices: DeviceManager) -> None:
    assert figures(devices, "collapse")["kl"] < 0.01
    freed = figures(devices, "collapse", beta=1)
    assert 2.5 < freed["kl"] < 4 and freed["modes"] >= 7


@pytest.mark.slow
@pytest.mark.usefixtures("last_snapshot_only")
def test_a_flow_stays_above_the_bits_of_eight_separate_squares(devices: DeviceManager) -> None:
    told = figures(devices, "topology")
    assert told["bits_of_data"] + 0.1 < told["bits"] < 2


@pytest.mark.slow
@pytest.mark.usefixtures("last_snapshot_only")
def test_two_steps_of_diffusion_miss_the_clusters(devices: DeviceManager) -> None:
    few, many = figures(devices, "few"), figures(devices, "few", num_inference_steps=20)
    assert few["modes"] <= 2 and few["astray"] > 0.6
    assert many["modes"] >= 7 and many["distance"] < few["distance"] / 2


def test_base_noise_does_not_depend_on_how_much_is_asked_for() -> None:
    model = shelf.load("digits", "vae").model
    assert torch.equal(base_noise(model, 3, 7)[2:4], base_noise(model, 5, 2))
