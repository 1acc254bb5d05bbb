"""The embedded model as it is shipped: a real diffusers folder, and pictures that obey their prompts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines import libs, models, registry
from pipelines.device import DeviceManager
from pipelines.evaluation import prompts, subject_judge
from pipelines.evaluation import text_to_image as evaluation
from pipelines.events import Frame, Result
from pipelines.params import Choice

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "assets" / "models" / "aigc-mini"


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu")
    yield manager
    manager.close()


SUBJECTS = ("apple", "banana", "carrot", "pizza", "cat", "dog", "panda", "fox", "lion", "pig", "frog", "penguin", "owl")
"""Some of those that the model was trained on; the prompts also name subjects that it has never seen."""


def paint(devices: DeviceManager, **values: object) -> list:
    generator = registry.get("text-to-image")
    return list(generator.stream(generator.request_type.parse({"upscale": "none"} | values), devices))


def picture(devices: DeviceManager, **values: object) -> np.ndarray:
    last = paint(devices, **values)[-1]
    assert isinstance(last, Result)
    return last.images[0]


def test_diffusers_loads_the_folder_and_makes_the_same_picture(devices: DeviceManager) -> None:
    pipe = libs.diffusers().StableDiffusionPipeline.from_pretrained(FOLDER, local_files_only=True, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(4)
    theirs = pipe("a panda", num_inference_steps=20, guidance_scale=4.0, generator=generator, output_type="np").images[
        0
    ]
    ours = picture(devices, prompt="a panda", seed=4)
    assert np.abs(theirs * 255 - ours).mean() < 6, "same network and seed; only the placing of the steps differs"


def test_most_one_shape_prompts_are_obeyed(devices: DeviceManager) -> None:
    entries = prompts.load()["one_shape"][::5]  # 40 of the 200; the whole table is in the model's card
    pictures = evaluation.make_pictures(entries, devices, evaluation.SETTINGS)
    scores = evaluation.score(entries, pictures)
    assert scores["background"] >= 0.9
    assert scores["colour"] >= 0.8
    assert scores["all"] >= 0.6


def test_most_subjects_are_named_from_the_picture_alone(devices: DeviceManager) -> None:
    entries = [e for e in prompts.load()["subjects"] if e["scene"]["things"][0]["noun"] in SUBJECTS]
    assert len(entries) == len(SUBJECTS)
    scores = evaluation.score(entries, evaluation.make_pictures(entries, devices, evaluation.SETTINGS))
    assert scores["background"] == 1.0
    assert scores["top1"] >= 0.75, "first of all 250 subjects and all shapes"
    assert scores["top5"] >= 0.9


def test_pictures_follow_their_own_prompt_and_not_their_seed(devices: DeviceManager) -> None:
    entries = prompts.load()["one_shape"][:20]
    others = [entry | {"seed": other["seed"]} for entry, other in zip(entries, entries[7:] + entries[:7], strict=True)]
    pictures = evaluation.make_pictures(others, devices, evaluation.SETTINGS)
    own = evaluation.score(entries, pictures)["colour"]
    foreign = evaluation.score(entries[7:] + entries[:7], pictures)["colour"]
    assert own > foreign + 0.4


def test_an_english_and_a_chinese_prompt_give_the_same_subject(devices: DeviceManager) -> None:
    for english, chinese, name in (("a frog", "青蛙", "frog"), ("a rainbow", "彩虹", "rainbow")):
        for prompt in (english, chinese):
            seen = picture(devices, prompt=prompt, seed=3)
            assert name in subject_judge.ranking(seen, "white")[:3]


def test_a_picture_has_the_same_pixels_alone_and_in_a_batch_of_four(devices: DeviceManager) -> None:
    four = paint(devices, prompt="a robot", seed=10, count=4, num_inference_steps=8)[-1].images
    for i in range(4):
        assert np.array_equal(four[i], picture(devices, prompt="a robot", seed=10 + i, num_inference_steps=8))


def test_every_sampler_and_schedule_makes_a_recognisable_picture(devices: DeviceManager) -> None:
    request = registry.get("text-to-image").request_type
    choices = {field.name: field.spec.names() for field in request.fields() if isinstance(field.spec, Choice)}
    for name in ("sampler", "beta_schedule", "sigma_schedule"):
        for choice in choices[name]:
            seen = picture(devices, prompt="a panda", seed=2, num_inference_steps=25, **{name: choice})
            assert "panda" in subject_judge.ranking(seen, "white")[:3], f"{name} {choice}"


def test_the_preview_looks_like_the_picture(devices: DeviceManager) -> None:
    *_, before, last = [e for e in paint(devices, prompt="a sunflower", seed=1) if isinstance(e, Frame | Result)]
    assert isinstance(before, Frame) and isinstance(last, Result)
    assert np.corrcoef(before.x0_pred[0].ravel(), last.images[0].ravel())[0, 1] > 0.95


def test_everything_in_assets_stays_under_40_mb() -> None:
    assert sum(file.stat().st_size for file in (ROOT / "assets").rglob("*") if file.is_file()) < 40e6


def test_the_shipped_folder_passes_the_check_that_a_stranger_s_must_pass() -> None:
    info = models.inspect(FOLDER)
    assert info.classes["vae"] == "AutoencoderTiny"
    assert not list(FOLDER.rglob("*.bin")) and not list(FOLDER.rglob("*.pt"))
