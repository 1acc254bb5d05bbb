"""Learned words in a prompt by bare name, and every other prompt told bit for bit as before."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons.textual_inversion import with_embeddings
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.addons import files, words
from pipelines.models.addons.words import mentioned
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import tiny, tiny_addons, tiny_zoo

FLOWS = ("sd3", "sd3-without-t5", "flux-dev")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home") / "models"
    tiny.tiny_model(folder / "sd")
    for kind in ("sdxl", *FLOWS):
        tiny_zoo.tiny_model(folder / kind, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def load(home: Path, kind: str = "sd") -> Bundle:
    return loading.load(models.inspect(home / kind))


def vectors(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def put(home: Path, name: str, tensors: dict[str, torch.Tensor]) -> Path:
    return tiny_addons.save(home / "embeddings", name, tensors)


def told(bundle: Bundle, prompt: str) -> torch.Tensor:
    return bundle.read(plain(prompt), "original").condition["encoder_hidden_states"]


def theirs(kind: str, token: str, tensor: torch.Tensor, prompt: str) -> torch.Tensor:
    """The same through diffusers' load_textual_inversion."""
    pipeline = tiny.tiny_pipeline() if kind == "sd" else tiny_zoo.tiny_pipeline(kind)
    pipeline.load_textual_inversion({token: tensor}, token=token)
    return pipeline.encode_prompt(prompt, "cpu", 1, False)[0][0]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("key", ["emb_params", "<myword>"])
def test_a_learned_word_is_told_as_diffusers_tells_it(home, count, key):
    learned = vectors(count, 32)
    put(home, "myword", {key: learned if count > 1 else learned[0]})
    ours = told(with_embeddings(load(home), ["a red myword"]), "a red myword")
    tensor = learned if count > 1 else learned[0]
    assert torch.allclose(ours, theirs("sd", "<myword>", tensor, "a red <myword>"), atol=1e-5)


def test_the_vectors_reach_the_encoder_in_their_order(home):
    learned = vectors(3, 32)
    put(home, "three", {"emb_params": learned})
    bundle = with_embeddings(load(home), ["a three"])
    ids = torch.tensor(bundle.words("")("a three cat").input_ids)
    table = bundle.part("text_encoder").get_input_embeddings()
    assert torch.equal(table(ids)[2:5], learned)


def test_sdxl_takes_a_pair_and_pools_at_the_end_of_the_prompt(home):
    put(home, "pair", {"clip_l": vectors(2, 32), "clip_g": vectors(2, 24, 1)})
    base = load(home, "sdxl")
    bundle = with_embeddings(base, ["a pair"])
    read = bundle.read(plain("a pair"), "original").condition
    assert not torch.equal(
        read["encoder_hidden_states"], base.read(plain("a pair"), "original").condition["encoder_hidden_states"]
    )
    changed = vectors(2, 24, 2)  # the pooled embedding sees them: it is taken after them
    put(home, "pair", {"clip_l": vectors(2, 32), "clip_g": changed})
    again = with_embeddings(load(home, "sdxl"), ["a pair"]).read(plain("a pair"), "original").condition
    assert not torch.equal(read["text_embeds"], again["text_embeds"])


@pytest.mark.parametrize("kind", FLOWS)
def test_a_word_is_told_to_clip_as_one_whose_vector_was_always_in_the_table(home, kind):
    learned = {"clip_l": vectors(1, 32)} | ({} if kind == "flux-dev" else {"clip_g": vectors(1, 24, 1)})
    put(home, "flowword", learned)
    base, known = load(home, kind), load(home, kind)
    for key, ending in (("clip_l", ""), ("clip_g", "_2")):
        if key in learned:
            (number,) = known.words(ending)("cat").input_ids[1:-1]
            known.part(f"text_encoder{ending}").get_input_embeddings().weight.data[number] = learned[key][0]
    ours = with_embeddings(base, ["a red flowword"]).read(plain("a red flowword"), "original").condition
    theirs = known.read(plain("a red cat"), "original").condition
    from_clip = ("pooled_projections", "encoder_hidden_states") if kind == "sd3-without-t5" else ("pooled_projections",)
    for name in from_clip:
        assert torch.allclose(ours[name], theirs[name], atol=1e-6)
        assert not torch.allclose(ours[name], base.read(plain("a red cat"), "original").condition[name], atol=1e-3)


def test_words_of_too_few_encoders_or_of_t5_are_refused_by_name(home):
    put(home, "halfpair", {"clip_l": vectors(1, 32)})
    assert "32 and 24" in refused(home, "sd3", "halfpair")
    put(home, "witht5", {"clip_l": vectors(1, 32), "t5": vectors(1, 32)})
    assert "T5" in refused(home, "flux-dev", "witht5")
    put(home, "toowide", {"clip_l": vectors(1, 768)})
    assert "768" in refused(home, "flux-dev", "toowide")


@pytest.mark.parametrize("kind", ["sd", "sdxl", "sd3", "flux-dev"])
@pytest.mark.parametrize("prompt", ["", "a red circle", "a cat and a dog on a large small blue circle a a a a"])
def test_prompts_without_the_word_are_told_bit_for_bit_as_before(home, kind, prompt):
    put(home, "quiet", {"emb_params": vectors(2, 32)} if kind in ("sd", "flux-dev") else _pair())
    base = load(home, kind)
    bundle = with_embeddings(base, ["quiet"])
    assert bundle is not base and bundle.key == base.key
    ours, before = bundle.read(plain(prompt), "original").condition, base.read(plain(prompt), "original").condition
    assert all(torch.equal(ours[name], before[name]) for name in before)


def _pair() -> dict[str, torch.Tensor]:
    return {"clip_l": vectors(2, 32), "clip_g": vectors(2, 24)}


def test_the_pooled_end_of_an_old_config_is_still_found(home):
    put(home, "pooled", _pair())
    base = load(home, "sdxl")
    before = base.read(plain("a cat"), "original").condition["text_embeds"]
    for part in (base.part("text_encoder_2"), base.part("text_encoder_2").text_model):
        part.config.eos_token_id = 2
    base.part("text_encoder_2").text_model.eos_token_id = 2
    bundle = with_embeddings(base, ["pooled"])
    learned = bundle.read(plain("a pooled"), "original").condition["text_embeds"]
    encoder, words = bundle.part("text_encoder_2"), bundle.words("_2")
    asked = words("a pooled", padding="max_length", max_length=16, return_tensors="pt").input_ids
    with torch.inference_mode():
        hidden = encoder(asked).last_hidden_state[0]
    at = asked[0].tolist().index(words.eos_token_id)
    assert torch.allclose(learned, encoder.text_projection(hidden[at]), atol=1e-6)
    assert torch.equal(bundle.read(plain("a cat"), "original").condition["text_embeds"], before)


def test_names_are_whole_words_in_any_case(home):
    put(home, "ink-v2", {"emb_params": vectors(1, 32)})
    put(home, "ink", {"emb_params": vectors(1, 32)})
    assert mentioned(["(Ink-V2:1.2), pink inky"]) == ("ink-v2",)
    assert mentioned(["an ink, drinking"]) == ("ink",)
    assert mentioned(["inkwell"]) == ()


def refused(home: Path, kind: str, name: str) -> str:
    with pytest.raises(BadFile) as error:
        with_embeddings(load(home, kind), [f"a {name}"])
    assert f"{name}." in str(error.value) and len(str(error.value)) < 300
    return str(error.value)


def test_what_does_not_fit_is_refused_by_name(home):
    put(home, "wide", {"emb_params": vectors(1, 768)})
    assert "768" in refused(home, "sd", "wide")
    put(home, "onlyone", {"emb_params": vectors(1, 32)})
    refused(home, "sdxl", "onlyone")
    put(home, "forxl", _pair())
    refused(home, "sd", "forxl")
    put(home, "uneven", {"clip_l": vectors(2, 32), "clip_g": vectors(1, 24)})
    refused(home, "sdxl", "uneven")
    put(home, "many", {"emb_params": vectors(76, 32)})
    refused(home, "sd", "many")
    put(home, "other", {"a": vectors(1, 32), "b": vectors(1, 32)})
    refused(home, "sd", "other")
    put(home, "nan", {"emb_params": vectors(1, 32) * float("nan")})
    refused(home, "sd", "nan")


def test_pickles_are_never_opened(home):
    (home / "embeddings").mkdir(exist_ok=True)
    (home / "embeddings" / "danger.pt").write_bytes(b"\x80\x04")
    assert mentioned(["danger"]) == ()  # it is no word; by its name it is refused
    with pytest.raises(BadFile, match="danger.pt is a pickle"):
        files.find(files.EMBEDDING, "danger")


def painted(**asked: Any) -> Result:
    common: dict[str, Any] = {"model": "sd", "seed": 1, "width": 64, "height": 64, "num_inference_steps": 2}
    devices = DeviceManager("cpu", threads=1)
    try:
        [result] = [
            event
            for event in TextToImage().stream(TextToImageRequest.of(**common | asked), devices)
            if isinstance(event, Result)
        ]
    finally:
        devices.close()
    return result


def test_the_recipe_says_the_hash(home):
    path = put(home, "signed", {"emb_params": vectors(1, 32)})
    result = painted(prompt="a signed cat")
    assert f'TI hashes: "signed: {files.file_hash(path)}"' in infotext.write(result.recipes[0])


def test_a_word_that_a_style_or_a_choice_brings_is_learned_too(home):
    put(home, "glaze", {"emb_params": vectors(1, 32, 4)})
    (home.parent / "styles.csv").write_text('name,prompt,negative_prompt\nglazed,"{prompt}, glaze",\n')
    written = painted(prompt="a cat, glaze")
    styled = painted(prompt="a cat", style="glazed")
    assert np.array_equal(styled.images, written.images) and "ti_hashes" in styled.recipes[0]
    chosen = painted(prompt="a cat, {glaze|plain}", count=8, seed=0)
    brought = ["glaze" in recipe["request"]["prompt"] for recipe in chosen.recipes]
    assert len(set(brought)) == 2, "the seeds must have chosen both"
    assert brought == ["ti_hashes" in recipe for recipe in chosen.recipes]
    at = brought.index(True)
    assert np.array_equal(chosen.images[at], painted(prompt="a cat, glaze", seed=at).images[0])


def test_comfyuis_way_of_writing_a_word_is_the_same_word(home):
    put(home, "badhands", {"emb_params": vectors(2, 32)})
    tiny_addons.save(home / "embeddings/folder", "been", {"emb_params": vectors(2, 32, 1)})
    put(home, "été", {"emb_params": vectors(1, 32, 2)})
    same = {
        "embedding:badhands": "badhands",
        "embedding:folder/been": "folder/been",
        "embedding:been": "folder/been",
        "been": "folder/been",
        unicodedata.normalize("NFD", "ÉTÉ"): "été",
    }
    for written, name in same.items():
        assert mentioned([f"a cat, {written}"]) == (name,), written
        bundle = with_embeddings(load(home), [written])
        assert torch.equal(told(bundle, f"a cat, {written} red"), told(bundle, f"a cat, {name} red"))
    assert words.unknown("a (embedding:badhands:1.2), embedding:been, embedding:lost, x") == ("lost",)


def test_a_word_that_is_asked_for_and_is_not_here_is_noted(home):
    result = painted(prompt="a cat, embedding:lost")
    assert result.notes == ("No learned word lost is installed; the text was read as it is written.",)
