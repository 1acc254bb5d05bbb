"""A film of the denoising: every format opens again, has all its steps in order, and ends on the picture."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame
from pipelines.store.film import FORMATS, MEDIA_TYPES, encode, film


def frames(count: int = 5, side: int = 32, pictures: int = 1) -> list[Frame]:
    """The noise is black, the guess grows lighter."""

    def grey(level: int) -> np.ndarray:
        return np.full((pictures, side, side, 3), level, np.uint8)

    return [Frame(i, count - 1, 1.0, grey(0), grey(50 * i)) for i in range(count)]


def levels(data: bytes, kind: str) -> list[int]:
    """The mean grey of the right half of every picture in the file."""
    if kind == "mp4":
        with av.open(io.BytesIO(data)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    else:
        opened = Image.open(io.BytesIO(data))
        pictures = []
        for i in range(opened.n_frames):  # type: ignore[attr-defined]
            opened.seek(i)
            pictures.append(np.asarray(opened.convert("RGB")))
    return [round(float(p[:, -100:].mean())) for p in pictures]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_step_is_in_the_film_in_its_order(kind: str) -> None:
    seen = levels(film(frames(), kind), kind)
    assert seen[:5] == pytest.approx([0, 50, 100, 150, 200], abs=6)
    assert len(seen) == (4 + 15 if kind == "mp4" else 5), "the last picture stays for a while"
    assert kind in MEDIA_TYPES


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("side", "pictures"), [(8, 1), (33, 3), (300, 2)])
def test_any_size_and_any_batch_makes_a_film(kind: str, side: int, pictures: int) -> None:
    assert len(levels(film(frames(3, side, pictures), kind), kind)) >= 3


def test_a_preview_smaller_than_the_picture_at_the_end_is_fine() -> None:
    small, large = frames(3, 8), frames(3, 64)
    assert levels(film([*small[:2], large[2]], "gif"), "gif") == pytest.approx([0, 50, 100], abs=6)


def test_what_cannot_be_a_film_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadRequest, match="one of webp, gif, mp4; got 'avi'"):
        film(frames(), "avi")
    with pytest.raises(NotFound, match="Generate the picture again"):
        film([], "gif")


@pytest.mark.parametrize("kind", ["webp", "gif"])
@pytest.mark.parametrize(("a_step", "last"), [(100, 1500), (450, 1800), (30, 1500)])
def test_the_last_picture_stays_for_a_second_and_a_half_or_longer(kind: str, a_step: int, last: int) -> None:
    pictures = [np.full((20, 30, 3), 60 * i, np.uint8) for i in range(4)]
    opened = Image.open(io.BytesIO(encode(pictures, kind, a_step)))
    durations = []
    for i in range(opened.n_frames):  # type: ignore[attr-defined]
        opened.seek(i)
        opened.load()  # a WebP's times come with its pixels
        durations.append(opened.info["duration"])
    assert durations == [a_step] * 3 + [last]


@pytest.mark.parametrize(("a_step", "rate", "count"), [(100, 10, 18), (450, 20 / 9, 7)])
def test_a_video_has_the_pace_that_is_asked_for_and_even_sides(a_step: int, rate: float, count: int) -> None:
    pictures = [np.full((31, 41, 3), 60 * i, np.uint8) for i in range(4)]
    with av.open(io.BytesIO(encode(pictures, "mp4", a_step))) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate or 0) == pytest.approx(rate)
        assert (stream.width, stream.height) == (40, 30)
        assert len(list(container.decode(video=0))) == count
