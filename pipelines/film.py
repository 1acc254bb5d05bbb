"""A denoising as a moving picture: the noisy picture beside the current guess, step by step, as WebP, GIF or MP4."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame

SECONDS_A_STEP = 0.1
HOLD = 15
"""Steps' worth of time for which the last picture stays."""
SMALLEST_SIDE = 256
GAP = 8
GREY, WHITE = 128, 255

Picture = NDArray[np.uint8]


def film(frames: Sequence[Frame], kind: str) -> bytes:
    """The file's bytes; `kind` is one of FORMATS. Raises BadRequest for another, NotFound where no step was kept."""
    if kind not in FORMATS:
        raise BadRequest(f"a film's format must be one of {', '.join(FORMATS)}; got {kind[:40]!r}.")
    if not frames:
        raise NotFound("no step of this job is kept any more, so there is nothing to show. Generate the picture again.")
    halves = [(sheet(frame.x), sheet(frame.x0_pred)) for frame in frames]
    height, width = max((half.shape[:2] for pair in halves for half in pair), key=lambda size: size[0])
    times = max(1, math.ceil(SMALLEST_SIDE / height))  # a preview may be smaller than the picture at the end
    size = (width * times // 2 * 2, height * times // 2 * 2)  # video wants even sides
    return FORMATS[kind]([side_by_side(x, x0, size) for x, x0 in halves])


def side_by_side(x: Picture, x0_pred: Picture, size: tuple[int, int]) -> Picture:
    """The noisy picture left, with crisp pixels, and the guess right, smooth; each (width, height) = `size` large."""
    left = Image.fromarray(x).resize(size, Image.Resampling.NEAREST)
    right = Image.fromarray(x0_pred).resize(size, Image.Resampling.BICUBIC)
    gap = np.full((size[1], GAP, 3), WHITE, np.uint8)
    return np.concatenate([np.asarray(left), gap, np.asarray(right)], axis=1)


def sheet(pictures: Picture, columns: int | None = None, left_over: int = GREY) -> Picture:
    """(N, H, W, 3) -> one picture, row by row, as square as it goes unless `columns` says otherwise."""
    n, height, width, _ = pictures.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    laid = np.full((rows * columns, height, width, 3), left_over, dtype=np.uint8)
    laid[:n] = pictures
    grid = laid.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, 3))


def _durations(count: int) -> list[int]:
    """In milliseconds."""
    each = round(SECONDS_A_STEP * 1000)
    return [each] * (count - 1) + [each * HOLD]


def _webp(pictures: list[Picture]) -> bytes:
    return _animated(pictures, "WEBP", quality=80, method=2)


def _gif(pictures: list[Picture]) -> bytes:
    return _animated(pictures, "GIF", disposal=1)


def _animated(pictures: list[Picture], kind: str, **options: int) -> bytes:
    first, *rest = [Image.fromarray(picture) for picture in pictures]
    data = io.BytesIO()
    timing = {"duration": _durations(len(pictures)), "loop": 0}
    first.save(data, kind, save_all=True, append_images=rest, **timing, **options)
    return data.getvalue()


def _mp4(pictures: list[Picture]) -> bytes:
    import av

    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=round(1 / SECONDS_A_STEP))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"  # what every player can show
        for picture in [*pictures, *[pictures[-1]] * (HOLD - 1)]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return data.getvalue()


FORMATS: dict[str, Callable[[list[Picture]], bytes]] = {"webp": _webp, "gif": _gif, "mp4": _mp4}
MEDIA_TYPES = {"webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
