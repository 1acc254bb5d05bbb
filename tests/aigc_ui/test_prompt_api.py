"""A prompt while it is written, over HTTP: its tokens by the model's own tokenizer, the words that the model does not
hear, and a sentence for what cannot be read."""

import io
import json

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pipelines.diffusion import loading
from tests import embedded
from tests.aigc_ui.small_studio import open_studio
from tests.tiny import tiny_model, with_few_words

SAID = json.loads((embedded.INFO.folder / "tokenizer" / "tokenizer_config.json").read_text(encoding="utf-8"))
ROOM = SAID["model_max_length"] - 2  # between BOS and EOS


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    home = tmp_path_factory.mktemp("models")
    with_few_words(home / "few-words")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(home))
        studio = open_studio(tmp_path_factory.mktemp("outputs"))
        yield studio.client("ada")
        studio.services.close()


def counted(client: TestClient, prompt: str, **more: str) -> dict:
    answer = client.post("/api/v1/prompt/tokens", json={"prompt": prompt} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("prompt", ["a panda", "两只小狐狸", "a large red circle left of a small blue star"])
def test_a_plain_prompt_has_as_many_tokens_as_its_tokenizer_says(client, prompt):
    model = loading.load(embedded.INFO)
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


def unheard(client: TestClient, prompt: str, **more: str) -> dict:
    answer = client.post("/api/v1/prompt/words", json={"prompt": prompt, "model": "few-words"} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_words_that_the_model_does_not_hear_are_told_with_what_is_near(client):
    told = unheard(client, "🐱 sunset and a black dog <lora:ink:1>")
    cat, sunset, black = told["unheard"]
    assert (cat["start"], cat["end"], cat["near"][0]["text"]) == (0, 1, "cat")
    assert (sunset["start"], sunset["end"], sunset["text"]) == (2, 8, "sunset")
    assert sunset["near"] == [{"text": "sun", "picture": 141}] and not sunset["thing"]
    assert (black["text"], black["thing"], black["kinds"]) == ("black", "dog", ["shape", "background"])
    assert unheard(client, "三只小狐狸")["unheard"] == []
    assert len(unheard(client, "qwertz " * 1000)["unheard"]) == 1000


def test_what_a_model_knows_is_told_with_its_pictures(client):
    known = client.get("/api/v1/prompt/vocabulary", params={"model": "few-words"}).json()["vocabulary"]
    [cat] = [word for word in known["words"] if "kitten" in word["names"]["en"]]
    assert cat["names"]["zh"] == ["猫", "小猫"] and cat["picture"] == 0
    assert known["digest"] == unheard(client, "cat")["vocabulary"]
    sheet = client.get("/api/v1/prompt/pictures", params={"model": "few-words", "v": known["digest"]})
    assert sheet.headers["content-type"] == "image/webp" and "immutable" in sheet.headers["cache-control"]
    with Image.open(io.BytesIO(sheet.content)) as opened:
        assert opened.width == known["sheet"]["cell"] * known["sheet"]["columns"]


def test_a_model_that_knows_no_closed_number_of_words_says_nothing(client, tmp_path, monkeypatch):
    tiny_model(tmp_path / "tiny")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    assert unheard(client, "sunset", model="tiny") == {"vocabulary": None, "unheard": []}
    assert client.get("/api/v1/prompt/vocabulary", params={"model": "tiny"}).json() == {"vocabulary": None}
    assert client.get("/api/v1/prompt/pictures", params={"model": "tiny"}).status_code == 404
    assert client.get("/api/v1/prompt/vocabulary", params={"model": "../gone"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"prompt": "a" * 1_000_000}, {"prompt": 3}, {"prompt": "a", "model": "../aigc-mini"}, {"promt": "a"}],
    ids=lambda value: str(value)[:30],
)
def test_words_that_cannot_be_read_end_in_a_sentence(client, body):
    answer = client.post("/api/v1/prompt/words", json=body)
    assert answer.status_code == 422 and len(answer.json()["error"]["message"]) < 300


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
