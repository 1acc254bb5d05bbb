"""What a prompt costs is bounded by steps: texts made to be slow, of the length that a request takes, in CPU time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.diffusion import counter
from pipelines.errors import BadRequest, StudioError
from pipelines.prompts import MOST_CHARACTERS, SYNTAXES, dynamic, editing, parse
from pipelines.prompts.steps import Steps
from pipelines.prompts.wildcards import Options
from pipelines.requests.text_to_image import TextToImageRequest

PIECES = [
    *("(", "[", "{", "|", ":", "\\", "<", "}", "]", ")", "$$", "::", "__", " ", ",", "1", ".5", "a", "é", "\n"),
    *("[a:", "[a|", "(a:1.1)", "[a:b:0.5]", "<lora:", "<lora:a:", "<lora:a:1>", "{a|", "{2$$", "{a|b}", "{1::"),
    *("__a__", "__b__", " BREAK ", " AND ", "a AND b:", "{-$$", "{999$$", "{2$$ and $$", "[q|r]", "[1|2|3|4|5]"),
]
SOMETHING = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
"""A piece of a slow text."""
LISTS = {"a": ["__b__ __b__", "{a|__a__}"], "b": ["__a__" * 300, "x" * 2000]}
DRAWS = "{999$$" + "|" * (MOST_CHARACTERS - 7) + "}"


@contextmanager
def cpu_seconds(most: float) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < most


def options(name: str) -> Options | None:
    return [(line, 1.0) for line in LISTS[name]] if name in LISTS else None


def refusal(work: Callable[[], object]) -> str:
    """The sentence, if there is one."""
    try:
        work()
        return ""
    except StudioError as error:
        assert len(str(error)) < 300
        return str(error)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(SOMETHING, SOMETHING, SOMETHING, st.sampled_from(SYNTAXES))
@example("{999$$", "|", "}", "a1111")
@example("[q|r]", "(", "", "a1111")
def test_reading_any_repeated_text_in_all_its_steps_is_bounded(head, piece, tail, syntax):
    text = (head + piece * MOST_CHARACTERS)[: MOST_CHARACTERS - len(tail)] + tail
    with cpu_seconds(3):
        refusal(lambda: list(parse(text, syntax).states(150)))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(SOMETHING, SOMETHING, SOMETHING, st.integers(0, 9))
@example("{999$$", "|", "}", 1)
@example("{-$$", "|", "}", 1)
@example("", "{", "}", 1)
def test_leaving_any_repeated_text_to_chance_is_bounded(head, piece, tail, seed):
    half = piece * (MOST_CHARACTERS // 2 // len(piece))
    for text in (head + half + half + tail, head + half + tail * (MOST_CHARACTERS // 2 // max(1, len(tail)))):
        with cpu_seconds(2):
            refusal(lambda text=text: dynamic.resolve(text[:MOST_CHARACTERS], seed, options))


def test_too_many_draws_are_refused_with_a_sentence_that_says_so():
    assert "too many draws" in refusal(lambda: dynamic.resolve(DRAWS, 1))
    few = "{20$$" + "|".join(map(str, range(300))) + "}"
    assert len(dynamic.resolve(few, 1).split(",")) == 20


def test_a_request_reads_its_prompts_a_bounded_number_of_times():
    changing = "{a|b} [" + "|".join(map(str, range(200))) + "]"
    longest = changing + "(" * (MOST_CHARACTERS - len(changing))
    for prompt in (DRAWS, longest, "(" * MOST_CHARACTERS):
        with cpu_seconds(6):
            refusal(
                lambda prompt=prompt: TextToImageRequest.parse(
                    {"prompt": prompt, "negative_prompt": prompt, "count": 16}
                )
            )


def test_pictures_that_share_their_words_are_read_once(monkeypatch: pytest.MonkeyPatch):
    reads: list[str] = []
    parse_one = editing.Schedule.read
    monkeypatch.setattr(editing.Schedule, "read", lambda text: reads.append(text) or parse_one(text))
    TextToImageRequest.parse({"prompt": "a fox (red:1.2)", "negative_prompt": "blur", "count": 16})
    assert reads == ["a fox (red:1.2)", "blur"]
    reads.clear()
    TextToImageRequest.parse({"prompt": "a {red|blue} fox", "seed": 1, "count": 16})
    assert sorted(text for text in reads if text) == ["a blue fox", "a red fox"]


def test_a_text_of_many_steps_is_read_once_for_each_state():
    words = "[red|blue] (fox)"
    alike = list(parse(words).states(150))
    assert alike == [parse(words).at(step, 150) for step in range(150)] and len({id(state) for state in alike}) == 2


@pytest.mark.slow
def test_a_prompt_that_is_another_in_every_step_is_bounded_by_its_words():
    options = "|".join(map(str, range(150)))
    assert len(set(parse(f"[{options}] a (small:1.2) [fox] in ((snow))").states(150))) == 150
    with cpu_seconds(3), pytest.raises(BadRequest, match="changes too often"):
        list(parse(f"[{options}]{'(' * 9000}").states(150))


def test_long_lists_cost_steps_and_many_of_them_are_refused():
    lines = [(str(i), 1.0) for i in range(20_000)]
    assert dynamic.resolve("__a__ " * 900, 1, lambda name: lines)  # one list, read once
    text = " ".join(f"__a{i}__" for i in range(900))
    assert "lists too long" in refusal(lambda: dynamic.resolve(text, 1, lambda name: lines))


def test_wildcard_files_that_name_each_other_end_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    (tmp_path / "wildcards").mkdir()
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / "wildcards" / f"{one}.txt").write_text(f"{f'__{other}__ ' * 300}\n" * 500, encoding="utf-8")
    with (tmp_path / "wildcards" / "large.txt").open("wb") as file:
        file.truncate(100 * 2**20)
    with cpu_seconds(2):
        assert "more than" in refusal(lambda: dynamic.resolve("__a__ " * 1000, 1))
        assert "larger than" in refusal(lambda: dynamic.resolve("__large__", 1))


@pytest.mark.slow
def test_counting_tokens_reads_a_piece_of_text_once():
    """A text of thousands of weights and many states would ask the tokenizer for each of them in each state."""
    options = "|".join(map(str, range(20)))
    with cpu_seconds(8):
        counter.count(counter.CountRequest.parse({"prompt": f"[{options}]" + "(a)b" * 800}))
        with pytest.raises(BadRequest, match="changes too often"):
            counter.count(counter.CountRequest.parse({"prompt": f"[{options}]" + "(a)b" * 2400}))


def test_steps_are_counted_down_and_then_refused():
    steps = Steps(3, "too much of it.")
    steps.take(3)
    with pytest.raises(BadRequest, match="too much"):
        steps.take(1)
