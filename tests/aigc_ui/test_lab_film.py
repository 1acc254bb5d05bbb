"""A film of a bench's own pictures over HTTP: whole where they are fit, a sentence where they are not."""

import base64
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from aigc_ui import lab_film
from pipelines.store import film
from tests.aigc_ui.small_studio import open_studio


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    studio = open_studio(tmp_path)
    with studio.client("ada") as client:
        yield client
    studio.services.close()


def png(level: int = 0, size: tuple[int, int] = (41, 30), mode: str = "RGB", kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, (level, level, level, 0)[: len(mode)]).save(data, kind)
    return data.getvalue()


def uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def steps(count: int = 4) -> list[str]:
    return [uri(png(60 * i % 256)) for i in range(count)]


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_every_picture_is_in_the_film_as_long_as_asked(client: TestClient, kind: str) -> None:
    answer = client.post(f"/api/v1/lab/film.{kind}", json={"pictures": steps(), "milliseconds": 200})
    assert answer.status_code == 200 and answer.headers["content-type"] == film.MEDIA_TYPES[kind]
    opened = Image.open(io.BytesIO(answer.content))
    seen = []
    for i in range(opened.n_frames):  # type: ignore[attr-defined]
        opened.seek(i)
        grey = round(float(np.asarray(opened.convert("RGB")).mean()))
        seen.append((opened.size, opened.info["duration"], grey))
    assert seen == [((41, 30), 1600 if i == 3 else 200, pytest.approx(60 * i, abs=3)) for i in range(4)]


def test_a_video_has_every_picture_and_holds_the_last(client: TestClient) -> None:
    answer = client.post("/api/v1/lab/film.mp4", json={"pictures": steps(), "milliseconds": 200})
    with av.open(io.BytesIO(answer.content)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert pictures[0].shape == (30, 40, 3) and len(pictures) == 3 + 8
    assert [round(float(p.mean())) for p in pictures] == pytest.approx([0, 60, 120, *[180] * 8], abs=6)


def test_what_is_transparent_lies_on_white(client: TestClient) -> None:
    pictures = [uri(png(0, mode="RGBA")), uri(png(9))]
    opened = Image.open(io.BytesIO(client.post("/api/v1/lab/film.gif", json={"pictures": pictures}).content))
    assert np.asarray(opened.convert("RGB")).min() == 255


def lying(width: int, height: int) -> bytes:
    """A PNG whose head says another size than its pixels have."""
    good = png()
    return good[:16] + struct.pack(">II", width, height) + good[24:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("avi", {"pictures": steps()}, "one of webp, gif, mp4; got 'avi'"),
        ("gif", {}, "2 to 201 pictures; got 0."),
        ("gif", {"pictures": steps(1)}, "2 to 201 pictures; got 1."),
        ("gif", {"pictures": steps(1) * 202}, "2 to 201 pictures; got 202."),
        ("gif", {"pictures": "none"}, "pictures must be a list of PNG data URIs; got 'none'."),
        ("gif", {"pictures": [*steps(1), 7]}, "picture 2 of the film is no PNG in a data URI."),
        ("gif", {"pictures": [*steps(1), "data:image/png;base64,%%%"]}, "picture 2 of the film is no PNG"),
        ("gif", {"pictures": [*steps(1), uri(png(kind="WEBP"))]}, "picture 2 of the film is no PNG"),
        ("gif", {"pictures": [*steps(1), uri(png()[:50])]}, "picture 2 of the film: the picture is damaged"),
        ("gif", {"pictures": [uri(lying(41, 30)[:33] + b"x" * 40)] * 2}, "picture 1 of the film: the picture is dam"),
        ("gif", {"pictures": [*steps(1), uri(png(size=(40, 30)))]}, "picture 2 is 40 x 30, the first is 41 x 30."),
        ("gif", {"pictures": [uri(png(size=(10, 30)))] * 2}, "16 to 1280 pixels wide and high; got 10 x 30."),
        ("gif", {"pictures": [uri(lying(90_000, 90_000))] * 2}, "got 90000 x 90000."),
        ("gif", {"pictures": [uri(lying(1280, 1280))] * 60}, "have more than 80 million pixels. Take fewer"),
        ("gif", {"pictures": steps(), "milliseconds": 5}, "milliseconds must be 20 to 1000; got 5."),
        ("gif", {"pictures": steps(), "seconds": 5}, "unknown field 'seconds'"),
    ],
)
def test_what_is_no_film_is_refused_with_a_sentence(client: TestClient, kind: str, body: Any, said: str) -> None:
    answer = client.post(f"/api/v1/lab/film.{kind}", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert client.post("/api/v1/lab/film.webp", json={"pictures": steps()}).status_code == 200, "and the next one works"


def test_the_longest_film_of_the_page_fits_and_a_larger_body_does_not(client: TestClient) -> None:
    assert 201 * 824 * 474 < lab_film.MOST_PIXELS, "two planes side by side, at 200 steps"
    large = b'{"pictures": ["' + b"A" * 3 * 2**20 + b'"]}'
    assert client.post("/api/v1/lab/film.gif", content=large).status_code == 422, "more than other requests may carry"
    huge = client.post("/api/v1/lab/film.gif", content=b"A" * (33 * 2**20))
    assert huge.status_code == 413 and "at most 32 MB" in huge.json()["error"]["message"]
