"""Pictures that people bring: a stranger's file is read within bounds, made plain, and kept under its own digest.

The id of a kept picture is the SHA-256 of its PNG bytes, so the same picture has one id and one file however often it
is brought, and a recipe that names it can be made again for as long as it lies here.
"""

import hashlib
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadFile, BadRequest, NotFound, Sentence
from pipelines.files.leftovers import sweep_parts
from pipelines.files.whole import storage_error, write_whole
from pipelines.store.picture_files.bounds import MOST_BYTES as MOST_BYTES
from pipelines.store.picture_files.bounds import MOST_KEPT
from pipelines.store.picture_files.reader import PictureReader, PlainPicture
from pipelines.store.picture_files.roles import CLEAR, MASK, PICTURE
from pipelines.store.pictures import is_file

_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """A picture in the store and the size at which it is kept. `clear`: the id of a mask that is white where the
    picture was transparent, "" where it was nowhere."""

    id: str
    width: int
    height: int
    clear: str = ""


class InputStore:
    """The pictures under `root`/.inputs. Several threads and processes may use one folder.

    Whoever knows an id may use the picture: only who has the picture itself, or was told of it, can know it.
    """

    def __init__(self, root: Path) -> None:
        self._folder = Path(root) / ".inputs"
        self.reader = PictureReader()
        sweep_parts(self._folder)

    def add(self, data: bytes, role: str = PICTURE, invert: bool = False) -> Kept:
        """Keep a PNG, JPEG, WebP, BMP, AVIF, or the first picture of a GIF or TIFF.

        It is turned as its EXIF says, put on white where it is transparent, and stripped of all but its pixels: grey
        where it was grey, else RGB. One of more than MOST_KEPT pixels is scaled down; one whose unpacking leaves no
        memory for so many, to LESS_KEPT. As a MASK it is grey, and transparency says keep: see `picture_files.roles`.
        Raises BadFile, Busy, StorageError.
        """
        if role not in (PICTURE, MASK):
            raise BadRequest("as must be {first} or {second}; got {got!r}.", first=PICTURE, second=MASK, got=role[:40])
        plain = self.reader.png(data, role, invert)
        clear = self._keep(self.reader.png(data, CLEAR)).id if plain.transparent and role == PICTURE else ""
        return replace(self._keep(plain), clear=clear)

    def _keep(self, plain: PlainPicture) -> Kept:
        kept = plain.png
        picture_id = hashlib.sha256(kept).hexdigest()
        file = self._file(picture_id)
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            if not is_file(file) or file.read_bytes() != kept:
                write_whole(file, kept, private=True)
        except OSError as error:
            raise storage_error(error, Sentence("kept")) from None
        return Kept(picture_id, plain.width, plain.height)

    def load(self, picture_id: str) -> NDArray[np.uint8]:
        """The pixels, (H, W, 3), three times the same for a grey picture. Raises NotFound, BadFile."""
        try:
            data = self.path(picture_id).read_bytes()
        except OSError as error:
            raise storage_error(error, Sentence("opened")) from None
        if hashlib.sha256(data).hexdigest() != picture_id:
            raise BadFile("this kept picture was changed or damaged on the disk. Choose the picture itself again.")
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if picture.width * picture.height > MOST_KEPT:  # not kept by this store
                raise BadFile(
                    "this kept picture is larger than {most} pixels. Choose the picture itself again.", most=MOST_KEPT
                )
            return np.asarray(picture.convert("RGB"))

    def path(self, picture_id: str) -> Path:
        """The PNG file of a kept picture. Raises NotFound, also for what is no id at all."""
        if not _ID.fullmatch(picture_id) or not is_file(self._file(picture_id)):
            raise NotFound("the kept picture is not here any more. Choose the picture itself again.")
        return self._file(picture_id)

    def close(self) -> None:
        """End the process that reads pictures; the next one starts another."""
        self.reader.close()

    def _file(self, picture_id: str) -> Path:
        return self._folder / f"{picture_id}.png"
