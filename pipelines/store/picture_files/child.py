"""The process that reads strangers' pictures: a file in, plain pixels or the texts that it carries out."""

import io
import sys
from typing import Any

import numpy as np
from PIL import ImageOps

from pipelines.confined import serving
from pipelines.store.picture_files import decoding
from pipelines.store.picture_files.bounds import BASE_MEMORY, LESS_KEPT, MOST_BYTES, MOST_MEMORY

CPU_SECONDS = 10
SPARE = MOST_MEMORY - BASE_MEMORY + 2_000_000  # pages that are mapped and never touched
COMPRESS_LEVEL = 3  # beyond it photographs only take longer


def png(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The plain picture as a PNG; `role` as in `decoding`, `invert`ed for masks that mean the opposite."""
    picture, transparent = decoding.read_with_alpha(data, task["role"])
    if task.get("invert"):
        picture = ImageOps.invert(picture)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=COMPRESS_LEVEL)
    size = {"width": picture.width, "height": picture.height}
    return {**size, "transparent": transparent}, file.getbuffer()


def pixels(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """uint8 (H, W, 3), three times the same for a grey picture; of fewer pixels than one that is kept."""
    picture = np.asarray(decoding.read(data, most=LESS_KEPT).convert("RGB"))
    return {"shape": picture.shape}, picture.tobytes()


def small(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], memoryview]:
    """A WebP for the gallery's grid."""
    from pipelines.store.gallery import thumbnails

    return {}, thumbnails.small(decoding.read(data, most=4 * thumbnails.SIDE**2))


def texts(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    from pipelines.store.foreign import carrier  # so that pictures do not wait for it

    return carrier.texts_of(data), b""


def hidden_texts(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    from pipelines.store.foreign import stealth

    return stealth.texts_of(data), b""


if __name__ == "__main__":
    handlers = {handler.__name__: handler for handler in (png, pixels, small, texts, hidden_texts)}
    sys.exit(serving.serve(handlers, SPARE, CPU_SECONDS, MOST_BYTES, spare=0))
