"""The recipe of the embedded model: its parts keep their promises, and the run goes from data to a working folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from pipelines import models
from pipelines.data import captions, compositions, corpus, drawings, sentences
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadFile
from pipelines.events import Result
from pipelines.learning import muon
from pipelines.learning.checkpoints import TENSORS
from pipelines.learning.moments import Moment
from pipelines.prompts import vocabulary
from pipelines.training import autoencoder, pool, text_to_image, word_tokenizer


@pytest.mark.slow
def test_the_encoder_is_exactly_the_linear_transform() -> None:
    rng = np.random.default_rng(0)
    transform = autoencoder.fit_transform(autoencoder.pictures(100, rng))
    vae = autoencoder.build(transform)
    pictures = autoencoder.large_pictures(8, rng)
    with torch.no_grad():
        made = vae.encoder(pictures)
    torch.testing.assert_close(made, transform.encode(autoencoder.halved(pictures)), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_the_transform_s_inverse_projects_on_what_it_keeps() -> None:
    rng = np.random.default_rng(1)
    transform = autoencoder.fit_transform(autoencoder.pictures(200, rng))
    once = transform.decode(transform.encode(autoencoder.pictures(8, rng)))
    torch.testing.assert_close(transform.decode(transform.encode(once)), once, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_the_decoder_starts_as_the_linear_inverse_at_twice_the_size() -> None:
    transform = autoencoder.fit_transform(autoencoder.pictures(200, np.random.default_rng(0)))
    latents = transform.encode(autoencoder.pictures(8, np.random.default_rng(9)))
    with torch.no_grad():
        made = autoencoder.build(transform).decoder(latents)
    assert made.shape == (8, 3, 256, 256)
    wanted = transform.decode(latents).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert (made - wanted).square().mean().sqrt() < 0.01


@pytest.mark.slow
def test_a_few_steps_mend_a_damaged_decoder() -> None:
    transform = autoencoder.fit_transform(autoencoder.pictures(100, np.random.default_rng(0)))
    torch.manual_seed(0)
    vae, held = autoencoder.build(transform), autoencoder.large_pictures(8, np.random.default_rng(9))
    with torch.no_grad():
        for weight in vae.decoder.up_blocks.parameters():
            weight += 0.015 * torch.randn_like(weight)
    before = autoencoder.psnr(vae, held)
    autoencoder.train_decoder(vae, transform, steps=40, batch=4, seed=0, log=lambda line: None)
    assert autoencoder.psnr(vae, held) > before + 1


def test_only_inner_matrices_are_muon_s(words: PreTrainedTokenizerFast) -> None:
    model = text_to_image.Model(words)
    matrices, rest = muon.split(model)
    assert len(matrices) + len(rest) == len(list(model.parameters()))
    assert all(weight.ndim >= 2 for weight in matrices)
    assert any(weight is model.unet.conv_in.weight for weight in rest)
    embeddings = [m.weight for m in model.modules() if isinstance(m, torch.nn.Embedding)]
    assert embeddings and all(any(weight is e for weight in rest) for e in embeddings)


@pytest.fixture(scope="module")
def words() -> PreTrainedTokenizerFast:
    return word_tokenizer.build(captions=1500)


def test_the_longest_captions_fit(words: PreTrainedTokenizerFast) -> None:
    rng = np.random.default_rng(0)
    lengths = np.array([len(words(corpus.caption(rng)).input_ids) for _ in range(2000)])
    assert lengths.max() > 30 and np.mean(lengths > word_tokenizer.MAX_LENGTH) <= 0.001, "those lose their last word"


def test_a_word_and_a_chinese_character_are_one_token_and_what_is_unknown_is_another(
    words: PreTrainedTokenizerFast,
) -> None:
    assert words.tokenize("A black cat's HAT, a zzyzx！") == ["a", "black", "cat", "hat", ",", "a", "<unk>"]
    assert words.tokenize("一只黑色的猫、龘") == [*"一只黑色的猫", ",", "<unk>"]
    assert words.tokenize("<unk>") == ["<unk>"]
    ids = words("a cat").input_ids
    assert ids[0] == words.bos_token_id and ids[-1] == words.eos_token_id == max(ids) == len(words) - 1


def test_every_name_of_a_subject_is_known_one_or_several_of_it(words: PreTrainedTokenizerFast) -> None:
    for drawing in drawings.table().values():
        said = [*drawing.english, *map(captions.plural, drawing.english), *drawing.chinese]
        assert "<unk>" not in [token for name in said for token in words.tokenize(name)], said


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = text_to_image.Recipe(pictures=1000, warm_up=100, cool_down=0.3)
    assert recipe.rate(0) == pytest.approx(0.01)
    assert recipe.rate(400) == 1.0
    assert recipe.rate(850) == pytest.approx(0.5)
    assert recipe.rate(1000) == 0.0


def begin(run: Path, words: PreTrainedTokenizerFast) -> None:
    """A run's vocabulary and transform, of few examples."""
    words.save_pretrained(run / "tokenizer")
    sample = autoencoder.pictures(100, np.random.default_rng(0))
    autoencoder.save_transform(autoencoder.fit_transform(sample), run / "transform.safetensors")


@pytest.mark.slow
def test_two_processes_on_the_cpu_share_one_run(tmp_path: Path, words: PreTrainedTokenizerFast) -> None:
    begin(tmp_path, words)
    asked = ["--run-folder", str(tmp_path), "--pictures", "16", "--batch", "4"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launch, "-m", "pipelines.training.text_to_image", *asked]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, timeout=300)
    counts = json.loads((tmp_path / "run.json").read_text())
    assert (counts["pictures"], counts["steps"]) == (16, 2), "a step of both sees 2 x 4 pictures"


@pytest.mark.slow
def test_the_reader_learns_from_the_layout_and_the_words_learn_with_it(
    words: PreTrainedTokenizerFast,
) -> None:
    torch.manual_seed(0)
    model = text_to_image.Model(words)
    transform = autoencoder.fit_transform(autoencoder.pictures(100, np.random.default_rng(0)))
    process = text_to_image.DDPMScheduler(1000, **text_to_image.BETAS, prediction_type="v_prediction")
    batch = text_to_image.Examples(words, transform, 0.1).batch(Moment(0, 0, 0, 0, 1, 8))
    error, missed = text_to_image.losses_of(model, process, batch, torch.Generator().manual_seed(0))
    assert error.shape == missed.shape == (8,)
    missed.mean().backward()
    taught = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert any(name.startswith("text_encoder.") for name in taught) and "reader.weight" in taught
    assert "unet.conv_out.weight" not in taught, "it reads the middle, not the end"


@pytest.mark.slow
def test_a_run_stops_resumes_and_becomes_a_model_that_the_engine_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: PreTrainedTokenizerFast
) -> None:
    run, home = tmp_path / "run", tmp_path / "models"
    begin(run, words)
    for pictures in (4, 8):
        text_to_image.train(text_to_image.Recipe(pictures=pictures, batch=4), run, threads=1, save_every=0)
    counts = json.loads((run / "run.json").read_text())
    assert (counts["pictures"], counts["steps"]) == (8, 2)
    learned = (run / "ema.safetensors").read_bytes()
    (run / "checkpoints" / "step-000000002" / TENSORS).write_bytes(b"")
    text_to_image.train(text_to_image.Recipe(pictures=8, batch=4), run, threads=1, save_every=0)
    assert (run / "ema.safetensors").read_bytes() == learned, "the second step again, from the first one's checkpoint"
    text_to_image.export(run, home / "small-run")
    assert vocabulary.of_model(home / "small-run") is not None, "the page lists its words"
    monkeypatch.setenv("AIGC_MODELS", str(home))
    assert "small-run" in models.installed()
    devices = DeviceManager("cpu")
    generator = registry.get("text-to-image")
    values = {"prompt": "a panda", "model": "small-run", "num_inference_steps": 2, "seed": 1, "upscale": "none"}
    values |= {"width": 256, "height": 256}
    *_, last = generator.stream(generator.request_type.parse(values), devices)
    devices.close()
    assert isinstance(last, Result) and last.images.shape == (1, 256, 256, 3)


@pytest.mark.slow
def test_a_pool_gives_the_latents_of_what_it_says_and_draws_some_anew() -> None:
    transform = autoencoder.fit_transform(autoencoder.pictures(100, np.random.default_rng(0)))
    examples = pool.Pool(transform, examples=24)
    seen: list[compositions.Composition] = []
    for step in range(6):
        latents, made, kinds = examples.draw(Moment(1, step, 0, 0, 1, 12))
        assert len(made) == len(kinds) == 12
        pictures = autoencoder.to_tensor(np.stack([compositions.draw(one) for one in made]))
        torch.testing.assert_close(latents, transform.encode(pictures), atol=0.02, rtol=0.01)
        seen += made
    assert len(set(seen)) == 24 + 4 * 4, "full after two batches; then a third of each is new"
    assert not any(corpus.holds(one) for one in seen)
    said = {sentences.of_composition(seen[0], np.random.default_rng(seed)) for seed in range(40)}
    assert len(said) > 10, "each time with another caption"


@pytest.mark.slow
def test_a_pool_that_begins_in_the_middle_gives_what_the_one_from_the_start_gives() -> None:
    transform = autoencoder.fit_transform(autoencoder.pictures(100, np.random.default_rng(0)))
    whole, later = (pool.Pool(transform, examples=24) for _ in range(2))
    moments = [Moment(1, step, 0, 0, 1, 12) for step in range(12)]
    drawn = [whole.draw(moment) for moment in moments]
    for moment, (latents, made, kinds) in list(zip(moments, drawn, strict=True))[7:]:
        again = later.draw(moment)
        assert torch.equal(again[0], latents) and again[1:] == (made, kinds)


def test_a_run_of_an_older_version_is_not_begun_anew_over_it(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(BadFile, match="begun by an older version and cannot go on. Export it"):
        text_to_image.train(text_to_image.Recipe(4), tmp_path, threads=1, save_every=0)
