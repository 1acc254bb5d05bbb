"""Downloads under a name by a pattern, over HTTP: from the file and its copies, for one's own pictures alone."""

from urllib.parse import unquote

import pytest

from tests.aigc_ui.small_studio import made, open_studio


@pytest.fixture
def studio(tmp_path):
    studio = open_studio(tmp_path, shared=True)
    yield studio
    studio.services.close()


def name_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return unquote(answer.headers["content-disposition"].partition("filename*=UTF-8''")[2])


def test_a_picture_and_its_copies_are_called_as_the_pattern_says(studio):
    client = studio.client("ada")
    [image_id] = made(client, steps=1, prompt='熊猫 "in" a/forest')["image_ids"]
    for kind in ("png", "jpg", "webp"):
        answer = client.get(f"/api/v1/images/{image_id}.{kind}", params={"name": "[width]x[height] [prompt_words]"})
        assert name_of(answer) == f"8x8 熊猫 _in_ a_forest.{kind}"
        assert f'filename="{image_id}.{kind}"' in answer.headers["content-disposition"]
    assert "content-disposition" not in client.get(f"/api/v1/images/{image_id}.png").headers
    assert client.get(f"/api/v1/images/{image_id}.png", params={"name": "[colour]"}).status_code == 422
    assert studio.client("bob").get(f"/api/v1/images/{image_id}.png", params={"name": "x"}).status_code == 403


def test_a_header_cannot_be_broken_by_a_name(studio):
    client = studio.client("ada")
    [image_id] = made(client, steps=1, prompt="a fox")["image_ids"]
    answer = client.get(f"/api/v1/images/{image_id}.png", params={"name": "a\r\nx-evil: 1\";'\u202e%"})
    assert "x-evil" not in answer.headers and "\n" not in answer.headers["content-disposition"]


def test_the_example_is_of_ones_own_newest_picture_or_of_one_that_might_be(studio):
    ada, bob = studio.client("ada"), studio.client("bob")
    made(ada, steps=1, prompt="a secret fox")
    asked = {"pattern": "[prompt_words]"}
    assert ada.get("/api/v1/download-name", params=asked).json() == {"name": "a secret fox"}
    assert bob.get("/api/v1/download-name", params=asked).json() == {"name": "a red panda in the snow"}
    answer = bob.get("/api/v1/download-name", params={"pattern": "[colour]"})
    assert answer.status_code == 422 and "[prompt_words]" in answer.json()["error"]["message"]
