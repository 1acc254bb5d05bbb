"""The recipe of the embedded model: its parts keep their promises, and the run goes from data to a working folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines import models, registry
from pipelines.device import DeviceManager
from pipelines.events import Result
from pipelines.training import autoencoder, text_to_image, tokenizer


def test_the_encoder_is_exactly_the_linear_transform() -> None:
    rng = np.random.default_rng(0)
    transform = autoencoder.fit_transform(autoencoder.pictures(100, rng))
    vae = autoencoder.build(transform)
    pictures = autoencoder.pictures(8, rng)
    with torch.no_grad():
        made = vae.encoder(pictures) * autoencoder.SCALING
    torch.testing.assert_close(made, transform.encode(pictures), atol=1e-4, rtol=1e-4)


def test_the_transform_s_inverse_projects_on_what_it_keeps() -> None:
    rng = np.random.default_rng(1)
    transform = autoencoder.fit_transform(autoencoder.pictures(200, rng))
    once = transform.decode(transform.encode(autoencoder.pictures(8, rng)))
    torch.testing.assert_close(transform.decode(transform.encode(once)), once, atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def words() -> "tokenizer.PreTrainedTokenizerFast":
    return tokenizer.train(captions=1500)


def test_no_token_holds_two_chinese_characters(words: "tokenizer.PreTrainedTokenizerFast") -> None:
    tokens = [words.decode([i]).replace(" ", "") for i in range(len(words))]
    assert not [t for t in tokens if sum("\u4e00" <= c <= "\u9fff" for c in t) > 1]
    assert len(words("一个大的红色圆形").input_ids) == 2 + 8


def test_any_text_survives_the_tokenizer(words: "tokenizer.PreTrainedTokenizerFast") -> None:
    for text in ("a red circle", "Zebra! 🍎", "三只小狐狸", "ünïcödé", ""):
        ids = words(text).input_ids
        assert ids[0] == words.bos_token_id and ids[-1] == words.eos_token_id == max(ids)
        read = words.decode(ids, skip_special_tokens=True).replace(" ", "")
        assert read == text.lower().replace(" ", "")


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = text_to_image.Recipe(pictures=1000, warm_up=100, cool_down=0.3, learning_rate=1.0)
    assert recipe.rate(0) == pytest.approx(0.01)
    assert recipe.rate(400) == 1.0
    assert recipe.rate(850) == pytest.approx(0.5)
    assert recipe.rate(1000) == 0.0


def test_a_run_stops_resumes_and_becomes_a_model_that_the_engine_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, home = tmp_path / "run", tmp_path / "models"
    for pictures in (8, 16):
        text_to_image.train(text_to_image.Recipe(pictures=pictures, batch=4), run, threads=1, save_every=0)
    counts = json.loads((run / "run.json").read_text())
    assert (counts["pictures"], counts["steps"]) == (16, 4)
    text_to_image.export(run, home / "small-run")
    monkeypatch.setenv("AIGC_MODELS", str(home))
    assert "small-run" in models.installed()
    devices = DeviceManager("cpu")
    generator = registry.get("text-to-image")
    values = {"prompt": "a panda", "model": "small-run", "num_inference_steps": 2, "seed": 1}
    *_, last = generator.stream(generator.request_type.parse(values), devices)
    devices.close()
    assert isinstance(last, Result) and last.images.shape == (1, 64, 64, 3)
