"""Steps as a moving picture: WebP, GIF or MP4; of a denoising, the noisy picture beside the current guess."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame

A_STEP = 100
HOLD = 1500
"""In milliseconds: how long a step is shown, and the least for which the last one stays."""
SMALLEST_SIDE = 256
GAP = 8
GREY, WHITE = 128, 255

Picture = NDArray[np.uint8]


def film(frames: Sequence[Frame], kind: str) -> bytes:
    """A denoising. Raises BadRequest for an unknown kind, NotFound where no step was kept."""
    check_kind(kind)
    if not frames:
        raise NotFound("no step of this job is kept any more, so there is nothing to show. Generate the picture again.")
    halves = [(sheet(frame.x), sheet(frame.x0_pred)) for frame in frames]
    height, width = max((half.shape[:2] for pair in halves for half in pair), key=lambda size: size[0])
    times = max(1, math.ceil(SMALLEST_SIDE / height))  # a preview may be smaller than the picture at the end
    size = (width * times, height * times)
    return encode([side_by_side(x, x0, size) for x, x0 in halves], kind)


def encode(pictures: Sequence[Picture], kind: str, a_step: int = A_STEP, hold: int = HOLD) -> bytes:
    """The file's bytes; `kind` is one of FORMATS, the pictures uint8 (H, W, 3) of one size, each `a_step` ms long, the
    last one at least `hold`."""
    check_kind(kind)
    return FORMATS[kind](pictures, a_step, max(1, math.ceil(hold / a_step)))


def check_kind(kind: str) -> None:
    if kind not in FORMATS:
        raise BadRequest(
            "a film's format must be one of {known}; got {got!r}.", known=", ".join(FORMATS), got=kind[:40]
        )


def check_encoder(kind: str) -> None:
    """Raises BadRequest where this machine cannot write that format."""
    check_kind(kind)
    if kind == "mp4" and not _writes_h264():
        raise BadRequest(
            "MP4 needs the encoder H.264 of the package av, which is not here. Choose WebP or GIF, or install av."
        )


def _writes_h264() -> bool:
    try:
        import av

        av.Codec("h264", "w")
    except (ImportError, ValueError):
        return False
    return True


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


def _webp(pictures: Sequence[Picture], a_step: int, times: int) -> bytes:
    return _animated([Image.fromarray(picture) for picture in pictures], a_step, times, "WEBP", quality=80, method=2)


def _gif(pictures: Sequence[Picture], a_step: int, times: int) -> bytes:
    """Each with a palette of its own by octree: Pillow's own choice, median cut, takes thirty times as long and the
    file is larger."""
    few = [Image.fromarray(picture).quantize(256, Image.Quantize.FASTOCTREE) for picture in pictures]
    return _animated(few, a_step, times, "GIF", disposal=1)


def _animated(pictures: Sequence[Image.Image], a_step: int, times: int, kind: str, **options: int) -> bytes:
    """The last one stays for so many steps' time."""
    first, *rest = pictures
    durations = [a_step] * len(rest) + [a_step * times]
    data = io.BytesIO()
    first.save(data, kind, save_all=True, append_images=rest, duration=durations, loop=0, **options)
    return data.getvalue()


def _mp4(pictures: Sequence[Picture], a_step: int, times: int) -> bytes:
    import av

    height, width = (side // 2 * 2 for side in pictures[0].shape[:2])  # video wants even sides
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=Fraction(1000, a_step))
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuv420p"  # what every player can show
        for picture in [*pictures, *[pictures[-1]] * (times - 1)]:
            even = np.ascontiguousarray(picture[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
    return data.getvalue()


FORMATS: dict[str, Callable[[Sequence[Picture], int, int], bytes]] = {"webp": _webp, "gif": _gif, "mp4": _mp4}
MEDIA_TYPES = {"webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
