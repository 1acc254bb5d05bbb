"""Sentences for a person: English as ever, and what another language needs to say the same."""

import copy
import json
import pickle

import pytest

from pipelines.errors import DEEPEST, LONGEST, MOST_VALUES, BadFile, BadRequest, NotFound, Sentence, TooMany
from pipelines.params import Range

HOSTILE = ["{other}", "{0}", "{", "}}", "%s", "\ud800", "x" * 5000, "", "\x00", "$&", "{name!r:>5}"]
BOUNDS = Sentence("{name} must be {low:g} to {high:g}.", name="eta", low=0.0, high=1.0)


def test_an_error_says_its_template_with_its_values():
    error = BadRequest("{name} must be {low:g} to {high:g}; got {got!r}.", name="eta", low=0.0, high=1.5, got="two")
    assert str(error) == "eta must be 0 to 1.5; got 'two'."
    assert error.sentence.template == "{name} must be {low} to {high}; got {got}."
    assert error.sentence.values == {"name": "eta", "low": "0", "high": "1.5", "got": "'two'"}


def test_a_text_without_values_is_its_own_template_whatever_braces_it_holds():
    error = BadFile("Send an object like {...} or {name}.")
    assert str(error) == error.sentence.template == "Send an object like {...} or {name}."
    assert error.sentence.values == {}


def test_doubled_braces_are_single_ones_beside_values():
    sentence = Sentence("{label} is no JSON. Send {{...}}.", label="it")
    assert (sentence, sentence.template) == ("it is no JSON. Send {...}.", "{label} is no JSON. Send {...}.")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_put_in_as_it_is(value):
    error = NotFound("no {what}, {name!r} least of all.", what=value, name=value)
    assert str(error) == f"no {value}, {value!r} least of all."
    assert json.loads(json.dumps(error.to_json()))["values"] == {"what": value, "name": repr(value)}


def test_a_sentence_within_another_stays_one():
    outer = BadFile("line {number}: {why}", number=2, why=BadRequest(BOUNDS).sentence)
    assert str(outer) == "line 2: eta must be 0 to 1."
    assert outer.to_json()["values"]["why"] == BOUNDS.to_json()


def test_a_sentence_may_begin_small_within_another():
    inner = Sentence("The header is {size} bytes long.", size=5).with_small_first()
    outer = Sentence("{label}: {why}", label="a.safetensors", why=inner)
    assert outer == "a.safetensors: the header is 5 bytes long."
    assert outer.to_json()["values"]["why"]["template"] == "The header is {size} bytes long."


def test_an_error_can_be_made_of_anothers_sentence():
    error = BadFile(BadRequest("{name} is odd.", name="x").sentence)
    assert (str(error), error.sentence.template) == ("x is odd.", "{name} is odd.")


def test_what_waits_says_how_long():
    error = TooMany("{own} wait. Try again in {wait} s.", 3, own=5, wait=3)
    assert (str(error), error.retry_after) == ("5 wait. Try again in 3 s.", 3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))], ids=["copied", "pickled"])
def test_a_sentence_stays_whole_when_it_is(copied):
    same = copied(Sentence("because {why}", why=BOUNDS))
    assert same.to_json() == Sentence("because {why}", why=BOUNDS).to_json()


def test_a_sentence_reads_back_from_json():
    sentence = Sentence("because {why}", why=BOUNDS)
    assert Sentence.read(json.loads(json.dumps(sentence.to_json()))).to_json() == sentence.to_json()


def _deep(levels: int) -> dict:
    inner: dict | str = "x"
    for _ in range(levels):
        inner = {"message": "m", "template": "{a}", "values": {"a": inner}}
    return {"message": "m", "template": "{a}", "values": {"a": inner}}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"template": "{a}"},
        {"template": 5, "values": {}},
        {"template": "{a}", "values": ["a"]},
        {"template": "{a}", "values": {"a": 5}},
        {"template": "{a}", "values": {"a": {"template": "no message", "values": {}}}},
        {"template": "x" * (LONGEST + 1), "values": {}},
        {"template": "{a}", "values": {"a": "x" * (LONGEST + 1)}},
        {"template": "{a}", "values": {f"a{i}": "x" for i in range(MOST_VALUES + 1)}},
        _deep(DEEPEST),
        _deep(900),
    ],
)
def test_what_is_no_sentence_is_taken_by_its_message(more):
    """From an older studio's list of jobs, or from a child process that a file has taken over."""
    read = Sentence.read({**more, "message": "It failed."})
    assert (str(read), read.template, read.values) == ("It failed.", "It failed.", {})


def test_what_a_value_is_called_is_a_sentence_too():
    with pytest.raises(BadRequest) as refusal:
        Range(0, 1).check("eta", 5, float)
    assert refusal.value.sentence.template == "{name} must be {low} to {high}; got {got}."
    with pytest.raises(BadRequest) as refusal:
        Range(0, 1).check("eta", [1, 2], float)
    assert refusal.value.to_json()["values"]["got"]["template"] == "a list of {number}"
