"""How a picture was made, over HTTP: read out of strangers' pictures, and carried along in copies of ours."""

import io
import json

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.aigc_ui.small_studio import Studio, made, open_studio
from tests.pipelines.store.test_foreign import COMFY, INFOTEXT, png


@pytest.fixture
def studio(tmp_path):
    studio = open_studio(tmp_path)
    yield studio
    studio.services.close()


@pytest.fixture
def image_id(studio: Studio) -> str:
    return made(studio.client("ada"), prompt="a panda, 熊猫")["image_ids"][0]


def posted(client: TestClient, data: bytes | str, kind: str = "image/png") -> dict:
    answer = client.post("/api/v1/metadata", content=data, headers={"content-type": kind})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_picture_is_answered_with_its_tool_its_settings_and_the_unknown(studio: Studio):
    found = posted(studio.client(), png({"prompt": json.dumps(COMFY)}))
    assert found["tool"] == "ComfyUI" and found["settings"]["prompt"].startswith("portrait of a fox")
    assert found["settings"]["prompt"].endswith("<lora:fox:0.8>")
    assert {one["name"] for one in found["unknown"]} >= {"seed", "width"}, "what this request has no field for"


def test_a_copied_text_is_read_too(studio: Studio):
    found = posted(studio.client(), INFOTEXT, "text/plain;charset=UTF-8")
    assert found["tool"] == "AUTOMATIC1111 v1.10.1" and found["settings"]["prompt"].startswith("portrait")


def test_a_picture_that_says_nothing_is_no_error_and_what_is_no_picture_is(studio: Studio):
    assert posted(studio.client(), png({})) == {"tool": "", "settings": {}, "unknown": [], "unsaid": {}}
    for data in (b"", b"GIF89a", b"not a picture"):
        answer = studio.client().post("/api/v1/metadata", content=data)
        assert answer.status_code == 422 and "PNG, JPEG or WebP" in answer.json()["error"]["message"]


@pytest.mark.slow
def test_pictures_of_the_size_of_an_upload_are_taken_and_texts_of_that_size_are_not(studio: Studio):
    large = png({"parameters": INFOTEXT}) + bytes(20 * 2**20)
    assert posted(studio.client(), large)["tool"]
    answer = studio.client().post("/api/v1/metadata", content=b"x" * 2**21, headers={"content-type": "text/plain"})
    assert answer.status_code == 422


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "media"), [("jpg", "image/jpeg"), ("webp", "image/webp")])
def test_a_picture_can_be_had_as_jpeg_and_webp_with_its_settings(studio: Studio, image_id: str, kind: str, media: str):
    client = studio.client("ada")
    copy = client.get(f"/api/v1/images/{image_id}.{kind}?quality=80")
    assert copy.headers["content-type"] == media
    assert Image.open(io.BytesIO(copy.content)).size == (8, 8)
    assert posted(client, copy.content)["settings"]["prompt"] == "a panda, 熊猫"
    assert client.get(f"/api/v1/images/{image_id}.png").headers["content-type"] == "image/png"


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["0", "101", "nan", "x", "1e9", ""])
def test_quality_has_bounds(studio: Studio, image_id: str, quality: str):
    answer = studio.client("ada").get(f"/api/v1/images/{image_id}.jpg?quality={quality}")
    assert answer.status_code == 422 and answer.json()["error"]["message"].startswith("quality must be")


def test_copies_of_somebody_elses_pictures_are_refused_in_a_shared_studio(tmp_path):
    studio = open_studio(tmp_path, shared=True)
    image_id = made(studio.client("ada-0001"), prompt="mine")["image_ids"][0]
    for kind in ("jpg", "webp"):
        assert studio.client("ada-0001").get(f"/api/v1/images/{image_id}.{kind}").status_code == 200
        assert studio.client("bob-0001").get(f"/api/v1/images/{image_id}.{kind}").status_code == 403
    studio.services.close()
