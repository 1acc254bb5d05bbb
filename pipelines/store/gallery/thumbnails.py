"""Small copies of pictures for the grid, made once and kept in a folder that may be deleted at any time.

A copy is named after its picture and the time at which that was last changed, so a file that somebody replaces is
copied anew. Where nothing can be kept, as on a full disk, the copy is made each time.
"""

import contextlib
import io
from pathlib import Path

from PIL import Image

from pipelines.errors import BadFile, NotFound
from pipelines.files.whole import write_whole
from pipelines.store import pictures

FOLDER = ".thumbnails"
SIDE = 320
"""Pixels of the longer side at most: a tile of the grid on a screen of double density."""
QUALITY = 78
MEDIA_TYPE = "image/webp"


class Thumbnails:
    """Of one picture folder."""

    def __init__(self, root: Path) -> None:
        self._root, self._folder = root, root / FOLDER

    def get(self, image_id: str) -> bytes:
        """WebP. Raises NotFound, BadFile where the file is no picture that can be shown."""
        source = pictures.path_in(self._root, image_id)
        try:
            stamp = source.lstat().st_mtime_ns
        except OSError:
            raise NotFound("there is no such picture. It may have been deleted; reload the gallery.") from None
        kept = self._folder / pictures.folder_name(image_id) / f"{image_id}-{stamp:x}.webp"
        with contextlib.suppress(OSError):
            return kept.read_bytes()
        data = _small(source)
        with contextlib.suppress(OSError):
            self.forget(image_id)
            write_whole(kept, data)
        return data

    def forget(self, image_id: str) -> None:
        """The copies of a picture go."""
        for path in (self._folder / pictures.folder_name(image_id)).glob(f"{image_id}-*.webp"):
            with contextlib.suppress(OSError):
                path.unlink()


def _small(path: Path) -> bytes:
    if pictures.read_info(path) is None:  # cut off, no PNG, or a few bytes that ask for gigabytes
        raise BadFile("this file is no picture that can be shown. Replace or delete it.")
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return bytes(small(image))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise BadFile("this file is no picture that can be shown. Replace or delete it.") from None


def small(image: Image.Image) -> memoryview:
    """The copy, WebP; the image itself is made small."""
    data = io.BytesIO()
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    clear = "A" in image.getbands() or "transparency" in image.info
    image.convert("RGBA" if clear else "RGB").save(data, "WEBP", quality=QUALITY, method=2)
    return data.getbuffer()
