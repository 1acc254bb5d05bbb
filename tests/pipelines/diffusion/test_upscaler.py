"""The upscaler: laws of its form with random weights, and what the shipped weights are worth."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipelines import places
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging import upscaler
from pipelines.diffusion.enlarging.upscaler import Doubler, Upscaler
from pipelines.errors import BadFile, BadRequest
from pipelines.events import Progress
from pipelines.training import upscaler as training


@pytest.fixture(scope="module")
def strange() -> Upscaler:
    """Random weights, so that nothing holds by training."""
    torch.manual_seed(0)
    doubler = Doubler()
    torch.nn.init.normal_(doubler.layers[-1].get_parameter("weight"), std=0.1)
    return Upscaler(doubler)


@pytest.fixture(scope="module")
def shipped() -> Upscaler:
    return upscaler.load()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# --- its form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 33), (40, 24)])
def test_a_picture_grows_by_the_factor(strange: Upscaler, size: tuple[int, int], factor: int) -> None:
    made = strange(noise(*size), factor)
    assert made.shape == (factor * size[0], factor * size[1], 3) and made.dtype == np.uint8


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (252, 36, 141)])
def test_a_plain_picture_stays_exactly_as_plain(strange: Upscaler, colour: tuple[int, int, int]) -> None:
    plain = np.full((20, 20, 3), colour, np.uint8)
    assert (strange(plain, 4) == colour).all()


@pytest.mark.parametrize("tile", [4, 13, 32])
def test_tiles_give_what_the_whole_gives(strange: Upscaler, tile: int) -> None:
    picture = noise(41, 34)
    assert np.array_equal(strange(picture, 2, tile), strange(picture, 2, tile=64))


def test_four_times_is_twice_two_times(strange: Upscaler) -> None:
    picture = noise(24, 19)
    assert np.array_equal(strange(picture, 4), strange(strange(picture, 2), 2))


def test_it_sees_only_differences(strange: Upscaler) -> None:
    """The same picture, lighter: the same enlargement, lighter."""
    picture = 80 + noise(16, 16) // 8
    dark, light = strange(picture, 2).astype(int), strange(picture + np.uint8(40), 2).astype(int)
    assert (np.abs(light - dark - 40) <= 1).all()


def test_a_fresh_network_is_plain_bicubic() -> None:
    fresh, picture = Upscaler(Doubler()), training.smaller(training.held_out(1, 2)["shapes"][0], 2)
    assert training.psnr(fresh(picture, 2), training.bicubic(picture, 2)) > 40


def test_it_tells_before_every_tile_how_many_are_done(strange: Upscaler) -> None:
    told = list(strange.enlarge(noise(20, 10), 4, tile=16))
    assert told == [Progress("upscaling", done, 2 + 6) for done in range(2 + 6)]


def test_other_factors_are_refused(strange: Upscaler) -> None:
    with pytest.raises(BadRequest, match="factor must be 2 or 4; got 3"):
        strange(noise(4, 4), 3)


# --- its weights -----------------------------------------------------------------------------------------------------


@pytest.fixture
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu", threads=1)
    yield manager
    manager.close()


def test_its_memory_counts_and_it_is_loaded_once(shipped: Upscaler, devices: DeviceManager) -> None:
    picture = noise(12, 12)
    made = [upscaler.upscale(picture, 2, devices) for _ in range(2)]
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], shipped(picture, 2))
    assert devices.loaded() == [{"key": "upscaler", "bytes": shipped.nbytes, "leases": 0}]


def test_the_shipped_file_is_small_and_in_half_precision() -> None:
    assert upscaler.WEIGHTS.stat().st_size < 2**20


def test_missing_damaged_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="missing"):
        upscaler.load(tmp_path / "none.safetensors")
    whole = upscaler.WEIGHTS.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-100])
    with pytest.raises(BadFile, match="cut off"):
        upscaler.load(tmp_path / "cut.safetensors")
    save_file({"layers.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BadFile, match="another network"):
        upscaler.load(tmp_path / "other.safetensors")


MARGINS = {(2, "shapes"): 2.0, (2, "subjects"): 1.0, (4, "shapes"): 2.0, (4, "subjects"): 0.5}
"""In dB on clean inputs, for shapes drawn anew and for subjects that were never seen; half of that on worsened ones."""


@pytest.mark.slow
@pytest.mark.parametrize("worse", [False, True], ids=["clean", "worsened"])
@pytest.mark.parametrize(("factor", "kind"), MARGINS)
def test_held_out_pictures_come_out_better_than_bicubic(shipped: Upscaler, factor: int, kind: str, worse: bool) -> None:
    rng = np.random.default_rng(5)
    gains = []
    for truth in training.held_out(6, factor, seed=123)[kind]:
        low = training.smaller(truth, factor)
        low = training.degraded(low, rng) if worse else low
        plain = training.psnr(training.bicubic(low, factor), truth)
        gains.append(training.psnr(shipped(low, factor), truth) - plain)
    assert np.mean(gains) > MARGINS[factor, kind] * (0.5 if worse else 1)


# --- its training ----------------------------------------------------------------------------------------------------


def test_no_training_picture_shows_a_held_out_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(training.scenes, "draw", lambda scene, scale: drawn.append((scene, scale)))
    training.truths(300, np.random.default_rng(0))
    held = set(training.subjects.names()[:: training.HELD_OUT_ONE_IN])
    assert len(drawn) == 300 and not held & {thing.noun for scene, _ in drawn for thing in scene.things}
    assert all(scale <= training.scenes.sharpest_scale(scene) for scene, scale in drawn)


@pytest.mark.parametrize("painted", [0.0, 1.0])
@pytest.mark.parametrize("factor", [2, 4])
def test_the_truth_of_a_patch_lies_where_its_enlargement_lies(
    factor: int, painted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "DEGRADED", 0.0)
    monkeypatch.setattr(training, "PAINTED", painted)
    rng = np.random.default_rng(1)
    pool, bicubic = training.pool(4, factor, rng, painter=lambda picture: picture), Doubler()
    lows, truths = zip(*(training.pair(pool, factor, rng) for _ in range(12)), strict=True)
    made, wanted = training.to_tensor(list(lows)), training.to_tensor(list(truths))
    with torch.no_grad():
        for _ in range(factor // 2):
            made = bicubic(made)
    assert made.shape == wanted.shape

    def error(*shift: int) -> float:
        return float((made - wanted.roll(shift, dims=(2, 3))).abs()[..., 2:-2, 2:-2].mean())

    assert error(0, 0) < min(error(0, 1), error(0, -1), error(1, 0), error(-1, 0))


def test_a_painter_paints_what_the_autoencoder_makes_of_the_picture() -> None:
    folder = places.EMBEDDED / "aigc-mini" / "vae"
    picture = training.truths(1, np.random.default_rng(0), most=1)[0]
    made = training.painter_of(folder, np.random.default_rng(1))(picture)
    assert made.shape == picture.shape
    assert training.psnr(made, picture) > 25


def test_a_run_goes_from_drawn_pictures_to_a_file_that_can_be_used(tmp_path: Path) -> None:
    torch.manual_seed(0)
    doubler, told = Doubler(), []
    training.train(doubler, steps=4, batch=2, pictures=6, seed=0, log=told.append)
    training.save(doubler, tmp_path / "model.safetensors")
    assert told[-1].startswith("step 4 loss ")
    picture = noise(16, 16)
    loaded = upscaler.load(tmp_path / "model.safetensors")(picture, 2).astype(int)
    assert np.abs(loaded - Upscaler(doubler)(picture, 2)).max() <= 1
