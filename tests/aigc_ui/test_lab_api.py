"""The lab over HTTP: what can be asked, answers with pictures that decode, and errors of the one form."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pipelines import lab
from pipelines.engine import registry
from tests.aigc_ui.small_studio import open_studio


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    studio = open_studio(tmp_path)
    with studio.client("ada") as client:
        yield client
    studio.services.close()


def test_every_experiment_says_what_it_can_be_asked(client: TestClient) -> None:
    listed = client.get("/api/v1/lab").json()["experiments"]
    assert [entry["name"] for entry in listed] == list(lab.names())
    fields = {field["name"]: field for field in listed[0]["fields"]}
    assert fields["num_train_timesteps"] | {"help": ""} == {
        "name": "num_train_timesteps",
        "type": "int",
        "default": 1000,
        "help": "",
        "low": 10,
        "high": 4000,
        "look": {
            "kind": "slider",
            "label": "lab.field.num_train_timesteps",
            "info": "",
            "placeholder": "",
            "step": 1,
            "log": False,
            "choices": {},
        },
    }
    assert fields["zero_snr"]["flag"] and fields["curve"]["most_points"] == 64
    assert "drawn" in fields["beta_schedule"]["options"]


def test_a_schedule_is_answered_with_curves(client: TestClient) -> None:
    answer = client.post("/api/v1/lab/schedule", json={"beta_schedule": "cosine", "num_train_timesteps": 100})
    assert answer.status_code == 200
    assert len(answer.json()["curves"]["beta"]) == 101


def test_a_picture_of_one_s_own_is_noised(client: TestClient) -> None:
    data = io.BytesIO()
    Image.new("RGB", (200, 100), (255, 0, 0)).save(data, "PNG")
    kept = client.post("/api/v1/inputs", content=data.getvalue()).json()["id"]
    answer = client.post("/api/v1/lab/noised", json={"image": kept, "t": 0}).json()
    head, encoded = answer["shown"][0].split(",")
    assert head == "data:image/png;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert pixels.shape == (128, 128, 3) and np.abs(pixels.mean((0, 1)) - (255, 0, 0)).max() < 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "body", "status", "said"),
    [
        ("schedule", b'{"num_train_timesteps": 1}', 422, "num_train_timesteps must be 10 to 4000; got 1."),
        ("schedule", b'{"beta_start": NaN}', 422, "NaN is not a number"),
        ("schedule", b"[1]", 422, "the body must be a JSON object"),
        ("schedule", b'{"gamma": 1}', 422, "unknown field 'gamma'"),
        ("noised", b'{"image": "' + b"0" * 64 + b'"}', 404, ""),
        ("nothing", b"{}", 404, "unknown experiment 'nothing'"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(
    client: TestClient, name: str, body: bytes, status: int, said: str
) -> None:
    answer = client.post(f"/api/v1/lab/{name}", content=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
    assert client.post("/api/v1/lab/schedule", json={}).status_code == 200, "and the next one works"


def test_the_lessons_are_states_that_their_benches_take(client: TestClient) -> None:
    lessons = client.get("/api/v1/lab/lessons").json()["lessons"]
    assert len(lessons) == 7 + 4 == len({lesson["name"] for lesson in lessons}), "the lab's and the families'"
    for lesson in lessons:
        whose = registry if lesson["bench"] in registry.names() else lab
        request_type = whose.get(lesson["bench"]).request_type
        request_type.parse(lesson["values"])
        assert set(lesson["hide"]) <= {field.name for field in request_type.fields()}
        assert 0 <= lesson["answer"] < len(lesson["options"])
        texts = [lesson[key] for key in ("title", "text", "question", "reveal")] + lesson["options"]
        assert all(text["en"] and any("\u4e00" <= c <= "\u9fff" for c in text["zh"]) for text in texts)
