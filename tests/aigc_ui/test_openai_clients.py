"""OpenAI's own Python client makes, edits and lists against a running studio, and reads its refusals."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI
from PIL import Image

from pipelines.store import recipe
from tests.aigc_ui import test_sdapi
from tests.aigc_ui.small_studio import serving
from tests.browser.conftest import Studio, running
from tests.embedded import SIDE

TOKEN = "a-token-of-this-run"
SMALL: dict[str, Any] = {"size": "64x64", "quality": "low"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with running(tmp_path_factory.mktemp("outputs"), "--api") as studio:
        yield studio


@pytest.fixture
def client(studio: Studio) -> OpenAI:
    return OpenAI(base_url=f"{studio.url}/v1", api_key="any", max_retries=0)


def png(pixels: np.ndarray) -> tuple[str, bytes, str]:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return "picture.png", data.getvalue(), "image/png"


def opened(encoded: str | None) -> Image.Image:
    assert encoded
    return Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)))


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.mark.slow
def test_pictures_are_made_and_kept_with_their_recipes(client: OpenAI, studio: Studio) -> None:
    answer = client.images.generate(prompt="a red circle", n=2, extra_body={"seed": 5}, **SMALL)
    assert answer.data and [opened(one.b64_json).size for one in answer.data] == [(64, 64)] * 2
    assert [one.model_extra["seed"] for one in answer.data] == [5, 6]  # type: ignore[index]
    again = client.images.generate(prompt="a red circle", extra_body={"seed": "6"}, **SMALL)
    assert again.data
    same, second = (np.asarray(opened(one.b64_json)) for one in (again.data[0], answer.data[1]))
    assert np.array_equal(same, second)
    kept = studio.outputs.rglob(f"{answer.data[0].model_extra['id']}.png")  # type: ignore[index]
    made = recipe.read(next(kept))
    assert made and made["request"]["prompt"] == "a red circle" and int(made["request"]["seed"]) == 5


@pytest.mark.slow
@pytest.mark.parametrize(("output_format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_they_come_in_the_format_that_is_asked_for_also_by_an_address(
    client: OpenAI, output_format: Any, kind: str
) -> None:
    more: dict[str, Any] = SMALL | {"prompt": "a fox", "output_format": output_format}
    inline = client.images.generate(**more, response_format="b64_json")
    named = client.images.generate(**more, response_format="url")
    assert inline.data and named.data and named.data[0].url
    assert opened(inline.data[0].b64_json).format == kind
    assert Image.open(io.BytesIO(httpx.get(named.data[0].url).content)).format == kind


@pytest.mark.slow
def test_an_edit_paints_where_the_mask_is_transparent_and_nowhere_else(client: OpenAI) -> None:
    hole = np.dstack([NOISE, np.full((64, 64), 255, np.uint8)])
    hole[16:48, 16:48, 3] = 0
    answers = [
        client.images.edit(image=png(NOISE), mask=png(hole), prompt="a red circle", **SMALL),
        client.images.edit(image=[png(hole)], prompt="a red circle", **SMALL),
    ]
    for answer in answers:
        assert answer.data
        made = np.asarray(opened(answer.data[0].b64_json).convert("RGB"))
        changed = (made != NOISE).any(axis=2)
        assert changed[24:40, 24:40].mean() > 0.9
    changed = (np.asarray(opened(answers[0].data[0].b64_json).convert("RGB")) != NOISE).any(axis=2)  # type: ignore[index]
    changed[16:48, 16:48] = False
    assert not changed.any()


@pytest.mark.slow
def test_without_a_mask_all_of_the_picture_is_made_anew_in_its_shape(client: OpenAI) -> None:
    wide = np.repeat(NOISE, 2, axis=1)
    answer = client.images.edit(image=png(wide), prompt="a fox", quality="low", input_fidelity="high")
    wide, high = (round(SIDE * share / 32) * 32 for share in (2**0.5, 0.5**0.5))
    assert answer.data and opened(answer.data[0].b64_json).size == (wide, high)


@pytest.mark.slow
def test_models_are_listed(client: OpenAI) -> None:
    assert "aigc-mini" in [model.id for model in client.models.list()]
    assert client.models.retrieve("aigc-mini").owned_by == "aigc-studio"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-image-1")
    assert missing.value.code == "model_not_found" and missing.value.param == "model"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "many": ({"n": 11}, "n"),
    "no size": ({"size": "large"}, "size"),
    "too small": ({"size": "8x8"}, "size"),
    "an odd size": ({"size": "100x100"}, "size"),
    "quality": ({"quality": "best"}, "quality"),
    "style": ({"style": "vivid"}, "style"),
    "transparency": ({"background": "transparent"}, "background"),
    "format": ({"output_format": "gif"}, "output_format"),
    "answer": ({"response_format": "file"}, "response_format"),
    "compressed": ({"output_compression": 50}, "output_compression"),
    "parts": ({"partial_images": 2}, "partial_images"),
    "stream": ({"extra_body": {"stream": "yes"}}, "stream"),
    "seed": ({"extra_body": {"seed": -5}}, "seed"),
    "field": ({"extra_body": {"steps": 5}}, "steps"),
    "prompt": ({"prompt": openai.Omit()}, "prompt"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("values", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_a_value_without_meaning_here_is_refused_in_openais_form(
    client: OpenAI, values: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(**{"prompt": "a fox", **values})
    body: Any = refused.value.body
    assert refused.value.param == param and body["type"] == "invalid_request_error" and body["message"].endswith(".")


@pytest.mark.slow
def test_pictures_and_masks_that_cannot_be_used_are_refused(client: OpenAI, studio: Studio) -> None:
    for more, words in (
        ({"image": ("a.png", b"no picture", "image/png")}, "not a picture"),
        ({"image": [png(NOISE), png(NOISE)]}, "image must be one picture; got 2"),
        ({"image": png(NOISE), "mask": png(NOISE)}, "mask must be transparent"),
    ):
        with pytest.raises(openai.BadRequestError, match=words):
            client.images.edit(prompt="a fox", **more)  # type: ignore[call-overload]
    with pytest.raises(openai.NotFoundError, match="no variations"):
        client.images.create_variation(image=png(NOISE))
    with pytest.raises(openai.NotFoundError):
        client.images.generate(prompt="a fox", model="dall-e-3")
    plain = {"content-type": "multipart/form-data; boundary=x"}
    for headers, body in (({}, b"{}"), (plain, b"--x\r\nnothing"), (plain, b"")):
        answer = httpx.post(f"{studio.url}/v1/images/edits", headers=headers, content=body)
        assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
    large = httpx.post(f"{studio.url}/v1/images/generations", content=b" " * (49 * 2**20))
    assert large.status_code == 413 and set(large.json()["error"]) == {"message", "type", "param", "code"}


def test_the_key_is_the_token_of_a_shared_studio(tmp_path: Path) -> None:
    shared: Any = test_sdapi.open_studio(tmp_path, shared=True, token=TOKEN)
    shared.app = shared.guard
    try:
        with serving(shared) as url:
            with pytest.raises(openai.AuthenticationError) as refused:
                OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0).models.list()
            assert refused.value.code == "wrong_token" and refused.value.type == "authentication_error"
            client = OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0)
            answer = client.images.generate(prompt="a fox", extra_body={"seed": 7}, **SMALL)
            assert answer.data and (np.asarray(opened(answer.data[0].b64_json)) == 7).all()
            with pytest.raises(openai.BadRequestError, match="b64_json in a shared studio"):
                client.images.generate(prompt="a fox", response_format="url")
    finally:
        shared.services.close()


def test_a_studio_without_the_interface_says_how_to_open_it(tmp_path: Path) -> None:
    shut: Any = test_sdapi.open_studio(tmp_path, open_api=False)
    answer = shut.program().get("/v1/models")
    assert answer.status_code == 404 and "Start it with --api." in answer.json()["error"]["message"]
    shut.services.close()
