"""The words of a model that learned from compositions: every caption is known, and nothing else."""

import numpy as np
import pytest
from PIL import Image

from pipelines.data import composing, corpus, sentences
from pipelines.data import vocabulary as written
from pipelines.prompts import vocabulary
from pipelines.prompts.unheard import unheard

KNOWN = vocabulary.parsed(written.description())


@pytest.mark.slow
def test_every_caption_is_known() -> None:
    rng = np.random.default_rng(0)
    for _ in range(1500):
        made, _ = corpus.composition(rng)
        captions = [sentences.plain_english(made), sentences.plain_chinese(made)]
        captions.append(sentences.of_composition(made, rng).replace(sentences.UNKNOWN, " "))
        for caption in captions:
            assert [one.text for one in unheard(caption, KNOWN)] == [], caption


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a black cat on a beach at sunset", []),
        ("a zeppelin over mountains", ["zeppelin"]),
        ("一只黑猫在沙滩上", []),
        ("a beautiful photo of a castle on a hill at sunset, masterpiece, 4k", []),
        ("an elegant steampunk penguin in the snow", ["elegant", "steampunk"]),
        ("a green panda on a green background", ["green"]),
        ("a red heart and a blue heart, 绿色的苹果", []),
    ],
)
def test_what_a_caption_cannot_say_is_found(prompt: str, unknown: list[str]) -> None:
    assert [one.text for one in unheard(prompt, KNOWN)] == unknown


@pytest.mark.slow
def test_the_file_and_the_sheet_are_read_again(tmp_path) -> None:
    written.write(tmp_path)
    kept = vocabulary.of_model(tmp_path)
    assert kept is not None and kept.sheet is not None and len(kept.words) == len(KNOWN.words)
    with Image.open(tmp_path / written.SHEET) as sheet:
        assert sheet.width // kept.sheet.cell == kept.sheet.columns
        assert (sheet.height // kept.sheet.cell) * kept.sheet.columns >= len(composing.nouns())
    assert (tmp_path / written.SHEET).stat().st_size < 1.5e6
