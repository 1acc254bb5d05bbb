"""Counting a prompt's tokens over HTTP: with the model's own tokenizer, and with a sentence for what cannot be read."""

import pytest
from fastapi.testclient import TestClient

from pipelines import models
from pipelines.diffusion import loading
from tests.aigc_ui.small_studio import open_studio

ROOM = 38  # tokens of aigc-mini between BOS and EOS


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    studio = open_studio(tmp_path_factory.mktemp("outputs"))
    yield studio.client("ada")
    studio.services.close()


def counted(client: TestClient, prompt: str, **more: str) -> dict:
    answer = client.post("/api/v1/prompt/tokens", json={"prompt": prompt} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("prompt", ["a panda", "两只小狐狸", "a large red circle left of a small blue star"])
def test_a_plain_prompt_has_as_many_tokens_as_its_tokenizer_says(client, prompt):
    model = loading.load(models.inspect(models.find("aigc-mini")))
    tokens = len(model.tokenizer(prompt).input_ids) - 2
    assert counted(client, prompt) == {"tokens": tokens, "room": ROOM, "chunks": 1, "left_out": 0, "unknown": []}


@pytest.mark.parametrize(
    "prompt, same",
    [
        ("(red:1.3) circle", "red circle"),
        ("red circle <lora:ink:1>", "red circle"),
        ("[red circle:cat:0.5]", "red circle"),
        ("cat AND red circle", "red circle"),
        ("{red circle|red circle}", "red circle"),
    ],
)
def test_what_is_no_word_is_not_counted_and_the_longest_state_is(client, prompt, same):
    assert counted(client, prompt) == counted(client, same)
    assert counted(client, prompt, prompt_syntax="plain")["tokens"] > counted(client, same)["tokens"]


def test_a_break_fills_its_chunk_and_what_is_beyond_is_said(client):
    two = {"room": ROOM, "chunks": 2, "left_out": 0, "unknown": []}
    assert counted(client, "cat BREAK cat") == two | {"tokens": ROOM + counted(client, "cat")["tokens"]}
    assert counted(client, "__gone__ cat")["unknown"] == ["gone"]
    long = counted(client, "red " * (ROOM * 16 + 5))
    assert long["chunks"] == 16 and long["left_out"] == 5 and long["tokens"] == ROOM * 16 + 5


@pytest.mark.parametrize(
    "body, status",
    [
        ({"prompt": "a" * 1_000_000}, 422),
        ({"prompt": "(" * 9000 + "x"}, 422),
        ({"prompt": "\x1b[31m"}, 422),
        ({"prompt": "__../secret__", "prompt_syntax": "none"}, 422),
        ({"prompt": 3}, 422),
        ({"prompt": "a", "model": "../aigc-mini"}, 422),
        ({"prompt": "a", "style": "gone"}, 422),
        ({"promt": "a"}, 422),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_prompt_that_cannot_be_read_ends_in_a_sentence(client, body, status):
    answer = client.post("/api/v1/prompt/tokens", json=body)
    assert answer.status_code == status, answer.text
    message = answer.json()["error"]["message"]
    assert len(message) < 300 and "Traceback" not in message
    assert counted(client, "cat")["chunks"] == 1
