"""A film of the denoising: every format opens again, has all its steps in order, and ends on the picture."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame
from pipelines.film import FORMATS, HOLD, MEDIA_TYPES, film


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
    assert len(seen) == (4 + HOLD if kind == "mp4" else 5), "the last picture stays for a while"
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
