"""A training that begins with an earlier model: the same function at first, with other words."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pipelines.training import autoencoder, earlier_model, text_to_image, word_tokenizer
from pipelines.training.autoencoder import PatchTransform

PIXELS = 3 * autoencoder.PATCH**2


@pytest.fixture(scope="module")
def words() -> PreTrainedTokenizerFast:
    return word_tokenizer.build(captions=300)


@pytest.fixture(scope="module")
def transform() -> PatchTransform:
    basis = torch.linalg.qr(torch.randn(PIXELS, autoencoder.CHANNELS, generator=torch.Generator().manual_seed(0)))[0]
    return PatchTransform(torch.zeros(PIXELS), basis.T.contiguous(), basis.contiguous())


@pytest.fixture(scope="module")
def earlier(words: PreTrainedTokenizerFast, transform: PatchTransform, tmp_path_factory) -> Path:
    """What is exported of a model, in single precision."""
    folder = tmp_path_factory.mktemp("earlier")
    torch.manual_seed(1)
    model = text_to_image.Model(words)
    model.unet.save_pretrained(folder / "unet")
    model.text_encoder.save_pretrained(folder / "text_encoder")
    words.save_pretrained(folder / "tokenizer")
    save_file({"weight": transform.inverse.T.contiguous(), "bias": transform.mean}, folder / "preview.safetensors")
    return folder


def begun(words: PreTrainedTokenizerFast, folder: Path) -> text_to_image.Model:
    torch.manual_seed(2)
    model = text_to_image.Model(words)
    earlier_model.take_over(model.unet, model.text_encoder, words, folder)
    return model.eval()


@torch.no_grad()
def velocity(model: text_to_image.Model, latents: Tensor, tokens: Tensor) -> Tensor:
    return model(latents, torch.tensor([500] * len(latents)), tokens)[0]


@pytest.mark.slow
def test_with_the_same_words_it_is_the_same_model(words, earlier) -> None:
    model = begun(words, earlier)
    torch.manual_seed(1)
    before = text_to_image.Model(words)
    assert set(map(type, before.modules())) == set(map(type, model.modules()))
    for name, weight in before.named_parameters():
        if not name.startswith("reader"):
            torch.testing.assert_close(model.get_parameter(name), weight, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_with_other_words_it_says_the_same_of_the_same_picture(words, earlier) -> None:
    more = word_tokenizer.build(captions=600)
    before, after = begun(words, earlier), begun(more, earlier)
    latents = torch.randn(2, 96, 8, 8, generator=torch.Generator().manual_seed(4))
    captions = ["a panda left of a red circle", "红色圆形"]
    tokens, others = (
        each(captions, padding="max_length", max_length=word_tokenizer.MAX_LENGTH, return_tensors="pt").input_ids
        for each in (words, more)
    )
    torch.testing.assert_close(
        velocity(after, latents, others), velocity(before, latents, tokens), atol=1e-3, rtol=1e-3
    )


@pytest.mark.slow
def test_the_latents_stay_the_earlier_models(transform, earlier) -> None:
    scaled = PatchTransform(transform.mean + 0.1, 2 * transform.weight, transform.inverse / 2)
    save_file({"weight": scaled.inverse.T.contiguous(), "bias": scaled.mean}, earlier / "preview.safetensors")
    taken = earlier_model.transform_of(earlier)
    torch.testing.assert_close(taken.weight, scaled.weight, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(taken.mean, scaled.mean)


def test_another_network_is_refused(words, earlier) -> None:
    model = text_to_image.Model(words)
    with pytest.raises(ValueError, match="other layers: "):
        earlier_model.take_over(torch.nn.Linear(2, 2), model.text_encoder, words, earlier)
