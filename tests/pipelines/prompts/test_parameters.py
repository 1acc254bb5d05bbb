"""Settings at the end of a prompt are taken out; everything that only looks like them stays a word."""

import time

import pytest

from pipelines.prompts.parameters import taken_out, words


def read(text: str) -> tuple[str, dict[str, str]]:
    prompt, found = taken_out(text)
    return prompt, {one.name: one.value for one in found}


def test_every_parameter_behind_the_prompt_is_taken_out():
    text = "a red fox\nin snow --ar 3:2 --SEED 5 --no red hats, text --tile --v 6.1"
    assert read(text) == (
        "a red fox\nin snow",
        {"ar": "3:2", "seed": "5", "no": "red hats, text", "tile": "", "v": "6.1"},
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "well--known", "a -- b", "--", "a cat --", "a--ar 3:2", "(a --)", "1990--2000", "a cat--seed 5", "---ar 3:2",
        "a castle --where nobody lives", "[a man --the hero--:a woman:0.5]", "红色 --狐狸", "a - b --- c",
        "a dog —the good one", "a dog — no", "",
    ],
)  # fmt: skip
def test_words_with_hyphens_are_words(prompt):
    assert taken_out(prompt) == (prompt, ())


def test_prose_in_front_of_parameters_stays():
    assert read("a castle --where nobody lives --ar 3:2") == ("a castle --where nobody lives", {"ar": "3:2"})


def test_a_dash_that_a_phone_made_of_two_hyphens_is_read():
    assert read("a fox —ar 3:2 –seed 5 —no people") == ("a fox", {"ar": "3:2", "seed": "5", "no": "people"})


def test_a_prompt_that_was_read_has_nothing_left_to_read():
    prompt = words("a fox --ar 3:2 --blah --zoom 2")
    assert words(prompt) == prompt == "a fox"


def test_reading_takes_linear_time():
    start = time.perf_counter()
    for text in ("--a " * 25_000, "--no x " * 14_000, "—" * 100_000, "-" * 100_000, " --x y z" * 12_000):
        words(text)
    assert time.perf_counter() - start < 2
