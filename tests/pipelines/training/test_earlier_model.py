"""A training that begins with an earlier model: the same function at first, in other latents and with other words."""

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
    save_file({"weight": transform.inverse.T.contiguous()}, folder / "preview.safetensors")
    return folder


def begun(words: PreTrainedTokenizerFast, transform: PatchTransform, folder: Path) -> text_to_image.Model:
    torch.manual_seed(2)
    model = text_to_image.Model(words)
    earlier_model.take_over(model.unet, model.text_encoder, words, transform, folder)
    return model.eval()


@torch.no_grad()
def velocity(model: text_to_image.Model, latents: Tensor, tokens: Tensor) -> Tensor:
    return model(latents, torch.tensor([500] * len(latents)), tokens)[0]


@pytest.mark.slow
def test_with_the_same_latents_and_words_it_is_the_same_model(words, transform, earlier) -> None:
    model = begun(words, transform, earlier)
    torch.manual_seed(1)
    before = text_to_image.Model(words)
    assert set(map(type, before.modules())) == set(map(type, model.modules()))
    for name, weight in before.named_parameters():
        if not name.startswith("reader"):
            torch.testing.assert_close(model.get_parameter(name), weight, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_with_other_latents_and_words_it_says_the_same_of_the_same_picture(words, transform, earlier) -> None:
    turn = torch.linalg.qr(torch.randn(96, 96, generator=torch.Generator().manual_seed(3)))[0]
    turned = PatchTransform(transform.mean, turn @ transform.weight, transform.inverse @ turn.T)
    more = word_tokenizer.build(captions=600)
    before, after = begun(words, transform, earlier), begun(more, turned, earlier)
    latents = torch.randn(2, 96, 8, 8, generator=torch.Generator().manual_seed(4))
    said = ["a panda left of a red circle", "红色圆形"]
    tokens, others = (
        each(said, padding="max_length", max_length=word_tokenizer.MAX_LENGTH, return_tensors="pt").input_ids
        for each in (words, more)
    )
    wanted = velocity(before, latents, tokens)
    made = velocity(after, torch.einsum("ij,njhw->nihw", turn, latents), others)
    torch.testing.assert_close(torch.einsum("ji,njhw->nihw", turn, made), wanted, atol=1e-3, rtol=1e-3)


def test_another_network_is_refused(words, transform, earlier) -> None:
    model = text_to_image.Model(words)
    with pytest.raises(ValueError, match="other layers: "):
        earlier_model.take_over(torch.nn.Linear(2, 2), model.text_encoder, words, transform, earlier)
