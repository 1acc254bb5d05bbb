"""Pictures that people bring: a stranger's file is read within bounds, made plain, and kept under its own digest.

The id of a kept picture is the SHA-256 of its PNG bytes, so the same picture has one id and one file however often it
is brought, and a recipe that names it can be made again for as long as it lies here.
"""

import hashlib
import io
import re
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipelines.errors import BadFile, NotFound
from pipelines.files import storage_error, write_whole
from pipelines.leftovers import sweep_parts
from pipelines.pictures import is_file

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 64_000_000  # a few bytes of PNG may ask for gigabytes
LONGEST_SIDE = 2048
SHORTEST_SIDE = 8
MOST_RATIO = 16  # of the longer side to the shorter: beyond it a crop keeps next to nothing
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_ID = re.compile(r"[0-9a-f]{64}")
_GREY = ("1", "L", "I;16", "I;16B", "I", "F")
# What Pillow raises at damaged files, besides OSError.
_DAMAGED = (SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, OverflowError, struct.error, zlib.error)


@dataclass(frozen=True)
class Kept:
    """A picture in the store and the size at which it is kept."""

    id: str
    width: int
    height: int


class InputStore:
    """The pictures under `root`/.inputs. Several threads and processes may use one folder.

    Whoever knows an id may use the picture: only who has the picture itself, or was told of it, can know it.
    """

    def __init__(self, root: Path) -> None:
        self._folder = Path(root) / ".inputs"
        self._reading = threading.Lock()  # one picture at a time: a large one takes hundreds of megabytes
        sweep_parts(self._folder)

    def add(self, data: bytes) -> Kept:
        """Keep a PNG, JPEG, WebP or the first picture of a GIF.

        It is turned as its EXIF says, put on white where it is transparent, scaled down to LONGEST_SIDE, and stripped
        of all but its pixels: grey where it was grey, as masks are, else RGB. Raises BadFile, StorageError.
        """
        with self._reading:
            picture = read(data)
            png = io.BytesIO()
            picture.save(png, "PNG", compress_level=3)  # beyond it photographs only take longer
        kept = png.getvalue()
        picture_id = hashlib.sha256(kept).hexdigest()
        file = self._file(picture_id)
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            if not is_file(file) or file.read_bytes() != kept:
                write_whole(file, kept, private=True)
        except OSError as error:
            raise storage_error(error, "kept") from None
        return Kept(picture_id, *picture.size)

    def load(self, picture_id: str) -> NDArray[np.uint8]:
        """The pixels, (H, W, 3), three times the same for a grey picture. Raises NotFound, BadFile."""
        try:
            data = self.path(picture_id).read_bytes()
        except OSError as error:
            raise storage_error(error, "opened") from None
        if hashlib.sha256(data).hexdigest() != picture_id:
            raise BadFile("this kept picture was changed or damaged on the disk. Choose the picture itself again.")
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def path(self, picture_id: str) -> Path:
        """The PNG file of a kept picture. Raises NotFound, also for what is no id at all."""
        if not _ID.fullmatch(picture_id) or not is_file(self._file(picture_id)):
            raise NotFound("the kept picture is not here any more. Choose the picture itself again.")
        return self._file(picture_id)

    def _file(self, picture_id: str) -> Path:
        return self._folder / f"{picture_id}.png"


def read(data: bytes) -> Image.Image:
    """A stranger's picture with nothing but its pixels: mode L or RGB, upright, of bounded size. Raises BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile(f"the picture is {len(data) / 2**20:.0f} MiB; at most {MOST_BYTES // 2**20} fit. Scale it down.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size)
            image.load()
            _check_size(*image.size)
            upright = _plain(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise BadFile(f"the picture has more than {MOST_PIXELS // 10**6} million pixels. Scale it down.") from None
    except Image.UnidentifiedImageError:
        raise BadFile("this is not a picture that can be read. Choose a PNG, JPEG, WebP or GIF.") from None
    except (OSError, *_DAMAGED):
        raise BadFile("the picture is damaged or cut off. Choose another copy of it.") from None
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return Image.fromarray(np.asarray(_on_white(upright)))  # so that no profile, comment or place comes along


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadFile(
            f"the picture has {width} x {height} pixels, more than {MOST_PIXELS // 10**6} million. Scale it down."
        )
    if min(width, height) < SHORTEST_SIDE:
        raise BadFile(
            f"the picture has {width} x {height} pixels; at least {SHORTEST_SIDE} x {SHORTEST_SIDE} are needed. "
            "Choose a larger one."
        )
    if max(width, height) > MOST_RATIO * min(width, height):
        raise BadFile(
            f"the picture has {width} x {height} pixels: more than {MOST_RATIO} times as long on one side as on the "
            "other. Cut out the part that matters."
        )


def _plain(image: Image.Image) -> Image.Image:
    """L, RGB or RGBA of any mode; of 16 bits a pixel the upper 8."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("I;16", "I;16B", "I", "F"):
        levels = np.asarray(image).astype(np.float64) / (257 if image.mode != "F" else 1)
        return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in _GREY else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
