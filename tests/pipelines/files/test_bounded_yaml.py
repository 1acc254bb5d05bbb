"""YAML from strangers costs what it becomes, and that is known before anything is made of it."""

import time
from pathlib import Path

import pytest

from pipelines import places
from pipelines.errors import BadRequest
from pipelines.files import bounded_yaml

LEVELS = range(1, 12)
LAUGHS = "a0: &a0 {k: v}\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in LEVELS)
MERGED = "a0: &a0 {k: v}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in LEVELS)
REPEATED = "[ { - ? a: [a, &a *a !! ' \" | # \n {a: [*a !< \\ [] {}, 1: 2001-99-99 1_ !!int".split(" ")


def test_data_with_a_few_aliases_is_read_as_ever():
    text = "base: &base {x: 1, when: 2020-01-02}\nmore: {<<: *base, y: [a, 2.5, null]}\n"
    read = bounded_yaml.loads(text, "a file")
    assert read["more"] == {**read["base"], "y": ["a", 2.5, None]}
    assert bounded_yaml.loads("", "a file") is None


@pytest.mark.parametrize("text", [LAUGHS, MERGED], ids=["lists", "merged"])
def test_aliases_that_multiply_are_refused_before_anything_is_made_of_them(text: str):
    start = time.process_time()
    with pytest.raises(BadRequest, match="aliases counted"):
        bounded_yaml.loads(text, "a file")
    assert time.process_time() - start < 2


@pytest.mark.parametrize("text", ["a: " + "1:" * 50_000 + "1", "a: " + "9" * 50_000, "a: 2001-99-99"])
def test_a_number_or_date_that_nothing_can_hold_gets_the_sentence(text: str):
    with pytest.raises(BadRequest, match="a file is not valid YAML"):
        bounded_yaml.loads(text, "a file")


@pytest.mark.slow
@pytest.mark.parametrize("piece", REPEATED)
def test_any_piece_repeated_to_the_largest_size_takes_bounded_time(piece: str):
    start = time.process_time()
    try:
        bounded_yaml.loads(piece * (bounded_yaml.MOST_BYTES // len(piece)), "a file")
    except BadRequest as error:
        assert len(str(error)) < 300
    assert time.process_time() - start < 5


def test_named_folders_do_not_write_out_what_names_itself(tmp_path: Path):
    (tmp_path / "extra_model_paths.yaml").write_text(LAUGHS, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(BadRequest):
        places.from_yaml(tmp_path / "extra_model_paths.yaml")
    assert time.process_time() - start < 2
