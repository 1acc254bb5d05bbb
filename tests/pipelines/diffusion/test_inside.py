"""One step of a picture taken apart: the parts fit together, and they are what painted the picture."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models, prompts
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import attention_maps, loading
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadRequest
from pipelines.events import Snapshot
from pipelines.requests.inside import InsideRequest
from tests.embedded import INFO, SIDE
from tests.pipelines.diffusion.test_branch import Studio
from tests.tiny import tiny_model

STEPS, K = 6, 3


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return loading.load(INFO)


def whole(**more: Any) -> dict[str, Any]:
    size = {"width": SIDE, "height": SIDE}
    return {"prompt": "a red heart above a blue square", "num_inference_steps": STEPS, **size, **more}


def inside(studio: Studio, picture: str, step: int = K) -> dict[str, Any]:
    job = studio.queue.submit("inside", InsideRequest.parse({"picture": picture, "step": step}), "me")
    told = [event for _, event in job.events()]
    assert job.error is None, job.error
    return next(event.values for event in told if isinstance(event, Snapshot))


def levels(picture: np.ndarray) -> np.ndarray:
    return picture.astype(float)


def test_the_guess_is_the_one_that_painted_the_picture_and_costs_one_evaluation_more(studio, bundle):
    parent = studio.paint(**whole())
    before = studio.evaluations()
    values = inside(studio, parent)
    assert studio.evaluations() - before == 1  # the maps are computed beside the worker
    steps = studio.steps(parent)
    answer = torch.cat([leg_answers for leg in steps.legs for leg_answers in leg.answers])[K]
    shown = bundle.preview(answer[None])
    assert np.abs(levels(values["guess"]) - levels(shown)).max() <= 1
    assert values["sigma"] == pytest.approx(float(steps.path.sigmas[K]))


def test_guidance_goes_from_the_guess_without_the_prompt_beyond_the_one_with_it(studio):
    """guess = without + scale (with - without), as far as the preview's levels tell it."""
    values = inside(studio, studio.paint(**whole(guidance_scale=2.0)))
    shown = {name: levels(picture) for name, picture in values.items() if isinstance(picture, np.ndarray)}
    inner = np.all([(20 < shown[name]) & (shown[name] < 235) for name in ("guess", "with_prompt", "without_prompt")], 0)
    assert values["scale"] == 2 and inner.sum() > 100
    made = shown["without_prompt"] + 2 * (shown["with_prompt"] - shown["without_prompt"])
    assert np.abs(made - shown["guess"])[inner].max() <= 3
    pull = shown["guess"] - shown["without_prompt"]
    assert np.corrcoef(pull.ravel(), shown["pull"].ravel() - 128)[0, 1] > 0.99


def test_the_noise_is_what_the_guess_leaves_of_the_state(studio, bundle):
    parent = studio.paint(**whole(seed=9))
    values, steps = inside(studio, parent), studio.steps(parent)
    answer = torch.cat([each for leg in steps.legs for each in leg.answers])[K]
    later = inside(studio, parent, K + 1)
    assert later["sigma"] < values["sigma"]
    assert values["noise"].std() > 2 * levels(bundle.preview(answer[None] * 0)).std()


def test_words_look_where_they_are_painted(studio):
    """The heart above, the square below; and all tokens together look at every place once."""
    values = inside(studio, studio.paint(**whole(guidance_scale=3.0)), STEPS - 2)
    maps = zip(values["words"], values["maps"], strict=True)
    seen = {one["word"]: levels(seen)[:, :, 0] for one, seen in maps}
    assert [one["word"] for one in values["words"]] == ["a", "red", "heart", "above", "a", "blue", "square"]
    rows = np.arange(len(seen["heart"]))[:, None]
    height = {word: float((rows * seen[word]).sum() / seen[word].sum()) for word in ("heart", "square")}
    assert height["heart"] < height["square"] - 0.5
    assert 0 < sum(one["share"] for one in values["words"]) < 1


def test_maps_add_up_to_one_and_leave_the_answer_alone(bundle):
    network = UNetNetwork(bundle.part("unet"), "k", 1)

    def hooks() -> int:
        return sum(len(module._forward_pre_hooks) for module in network.unet.modules())

    held = hooks()
    x = torch.randn(1, *bundle.latent_shape(SIDE, SIDE), generator=torch.Generator().manual_seed(3))
    context = {"encoder_hidden_states": torch.randn(1, 12, bundle.part("text_encoder").config.hidden_size)}
    with torch.inference_mode():
        before = network(x, torch.tensor([500.0]), context)
    seen = attention_maps.maps(network, x, 500.0, context)
    assert seen is not None and seen.shape == (12, *x.shape[2:])
    assert torch.allclose(seen.sum(0), torch.ones(x.shape[2:]), atol=1e-4)
    with torch.inference_mode():
        assert torch.equal(network(x, torch.tensor([500.0]), context), before)
    assert hooks() == held


@pytest.mark.parametrize("text", ["a pumpkin, qwerty", "(a fox:1.3) BREAK a cat", "", "一只熊猫"])
def test_words_stand_one_behind_the_other_as_they_were_written(tmp_path, bundle, text):
    tiny_model(tmp_path / "tiny", "tiny")
    clip = loading.load(models.inspect(tmp_path / "tiny"))
    said = prompts.parse(text, "a1111").at(0, 1)[0].sections
    first = "".join(span.text for span in said[0]).replace(" ", "")
    for model in (bundle, clip):
        words = model.word_places(said)
        assert "".join(word for word, _, _ in words).replace(" ", "") == first
        assert all(last == following for (_, _, last), (_, following, _) in zip(words, words[1:], strict=False))
        assert not words or words[0][1] == 1
    assert "qwerty" not in text or "qwerty" in [word for word, _, _ in bundle.word_places(said)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"step": STEPS + 1}, "branch_step must be 1"),
        ({"picture": "gone"}, "not here any more"),
        ({"picture": ""}, "got none"),
    ],
)
def test_what_cannot_be_looked_into_is_refused(studio, wrong, why):
    values = {"picture": studio.paint(**whole()), "step": 1} | wrong
    with pytest.raises(Exception, match=why):
        studio.queue.submit("inside", InsideRequest.parse(values), "me")


def test_a_grid_has_no_steps(studio):
    grid = studio.store.save(np.zeros((64, 64, 3), np.uint8), {"generator": "grid", "request": {}}, "me")
    with pytest.raises(BadRequest, match="step by step"):
        studio.queue.submit("inside", InsideRequest.parse({"picture": grid, "step": 1}), "me")
