"""The picture folder: a picture is written whole or not at all, and never lost once its id was given.

The file comes first (see pipelines.files); only then the row in the index, which can always be built again from the
files.
"""

import hashlib
import io
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadFile, NotFound, Sentence, StorageError
from pipelines.files.leftovers import sweep_parts, sweep_waiting
from pipelines.files.whole import storage_error, write_whole
from pipelines.store import copies, film, pictures, pixels, source_type
from pipelines.store import recipe as recipes
from pipelines.store.folders.folders import Folders
from pipelines.store.gallery import kinship
from pipelines.store.gallery.bin import Bin
from pipelines.store.gallery.family import Family, family
from pipelines.store.gallery.gallery import Gallery
from pipelines.store.gallery.thumbnails import Thumbnails
from pipelines.store.index import Index
from pipelines.store.pictures import ImageInfo
from pipelines.store.signing import Signer

MAX_PAGE = 1000
FILMS = "films"

log = logging.getLogger(__name__)


class ImageStore:
    """Pictures under `root`, in a folder a day. Several threads and several processes may use one folder.

    `gallery` finds and marks them, `bin` has what was thrown away, `thumbnails` small copies, `folders` the pictures of
    other programs, from the folders that are `named` and those that a person adds. `declared`: each says to
    machines that it was made by AI, see `source_type`; `signer` signs what is handed out.
    """

    def __init__(
        self,
        root: Path,
        lock_timeout: float = 5.0,
        declared: bool = True,
        named: Iterable[Path] = (),
        signer: Signer | None = None,
    ) -> None:
        self.root = Path(root)
        self._declared, self._signer = declared, signer
        self._index = Index(self.root, lock_timeout)
        self.gallery = Gallery(self.root, self._index)
        self.bin = Bin(self.root, self._index)
        self.thumbnails = Thumbnails(self.root)
        self.folders = Folders(self.root, self._index, named)
        self._clock = threading.Lock()
        self._last = 0
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (
                self.root / "library",
                self.root / FILMS,
                *(self.root / day for day in pictures.folders(self.root)),
            ):
                sweep_parts(folder)
            sweep_waiting(self.root.resolve())
        except OSError as error:
            raise storage_error(error, Sentence("opened")) from None

    def save(
        self,
        image: NDArray[np.uint8],
        recipe: Mapping[str, Any],
        client: str = "",
        unfinished: bool = False,
        image_id: str = "",
    ) -> str:
        """The id of a picture, uint8 (H, W, 3 or 4), that is on the disk when this returns. Raises StorageError.

        It is `image_id` where one was taken from `new_id` before.
        """
        height, width, _ = image.shape
        owner = pictures.owner_tag(client)
        chunks = recipes.embed(recipe)
        chunks.add_text(pictures.STORE_CHUNK, pictures.store_chunk(owner, unfinished))
        digest = pixels.digest(image)
        chunks.add_text(pictures.PIXELS_CHUNK, digest)
        if self._declared:
            chunks.add_itxt(source_type.PNG_CHUNK, source_type.packet(source_type.of_recipe(recipe, self._source_of)))
        png = io.BytesIO()
        Image.fromarray(image).save(png, "PNG", pnginfo=chunks)
        image_id = image_id or self.new_id()
        try:
            write_whole(self._file(image_id), png.getvalue())
        except OSError as error:
            raise storage_error(error, Sentence("saved")) from None
        kept = {"version": recipes.VERSION, **recipe}
        info = ImageInfo(image_id, pictures.created(image_id) or 0.0, width, height, kept, owner, unfinished, digest)
        try:
            self._index.add(info)
        except StorageError as error:
            log.warning("Picture %s is saved; the index will find it later: %s", image_id, error)
        return image_id

    def handed_out(self, image_id: str) -> bytes:
        """The PNG of a picture for others, without what only the store needs. Raises NotFound, StorageError."""
        path = self.path(image_id)
        try:
            return self._signed(pictures.without_owner(path.read_bytes()), "png", path)
        except OSError as error:
            raise storage_error(error, Sentence("opened")) from None

    def copy(self, image_id: str, kind: str, quality: int) -> bytes:
        """The picture as "jpg" or "webp" for others. Raises NotFound, BadFile, StorageError."""
        path = self.path(image_id)
        return self._signed(copies.copy(path, kind, quality), kind, path)

    def list(self, limit: int = 60, before: str | None = None, client: str | None = None) -> list[ImageInfo]:
        """The newest first; page on with the last one's id as `before`; only one client's where it is given."""
        owner = None if client is None else pictures.owner_tag(client)
        return self._index.page(min(max(limit, 0), MAX_PAGE), before, owner)

    def get(self, image_id: str) -> ImageInfo:
        """Raises NotFound, also for what is no id at all."""
        info = self._index.find(image_id) if pictures.created(image_id) is not None else None
        if info is None:
            raise NotFound("there is no such picture. It may have been deleted; reload the gallery.")
        return info

    def has(self, image_id: str) -> bool:
        """Whether the picture's file is on the disk, whatever the index says."""
        try:
            return pictures.created(image_id) is not None and pictures.is_file(self._file(image_id))
        except OSError:
            return False

    def new_id(self) -> str:
        """The id for a picture that is about to be saved: later than the one before, also when the clock is set back
        while we run."""
        with self._clock:
            self._last = max(time.time_ns() // 1000, self._last + 1)
            return pictures.new_id(self._last)

    def path(self, image_id: str) -> Path:
        """The PNG file of a picture. Raises NotFound."""
        return self._file(self.get(image_id).id)

    def recipe(self, image_id: str) -> dict[str, Any]:
        """The recipe as the file itself says it; {} where a stranger's file holds none. Raises NotFound."""
        return recipes.read(self.path(image_id))

    def digest(self, image_id: str) -> str:
        """That of the picture's pixels as its file says it, or, where an older one does not, as they are; "" where
        there is no such picture."""
        path = self._file(image_id)
        found = pictures.read_info(path) if self.has(image_id) else None
        if found is None or found.digest:
            return found.digest if found else ""
        try:
            with Image.open(path, formats=("PNG",)) as image:
                return pixels.digest(np.asarray(image.convert("RGB")))
        except (OSError, SyntaxError, ValueError):
            return ""

    def pixels(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3). Raises NotFound, BadFile."""
        try:
            with Image.open(self.path(image_id), formats=("PNG",)) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError):
            raise BadFile("the picture's file is damaged. Choose another picture.") from None

    def save_film(self, film_id: str, kind: str, data: bytes) -> None:
        """Raises StorageError, with nothing half written."""
        try:
            write_whole(self._film(film_id, kind), data)
        except OSError as error:
            raise storage_error(error, Sentence("saved")) from None

    def film_file(self, film_id: str, kind: str) -> Path:
        """The file of a film. Raises NotFound."""
        path = self._film(film_id, kind)
        if kind not in film.FORMATS or not path.is_file():
            raise NotFound("this film is not here. Make it again.")
        return path

    def _film(self, film_id: str, kind: str) -> Path:
        return self.root / FILMS / f"{film_id}.{kind}"

    def family(self, image_id: str, owner: str | None = None) -> Family:
        """The pictures that it descends from, and all that descend from them. Raises StorageError."""
        return family(self._index, image_id, owner)

    def delete(self, image_id: str) -> None:
        """Raises NotFound, and StorageError where the folder does not allow it."""
        path = self.path(image_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, Sentence("deleted")) from None
        self._index.remove(image_id)

    def rebuild(self) -> None:
        """The index anew from the files."""
        self._index.rebuild()

    def _signed(self, data: bytes, kind: str, png: Path) -> bytes:
        """The file of the picture at `png` with Content Credentials, where somebody signs."""
        if self._signer is None:
            return data
        texts = recipes.head(png).texts
        source = source_type.said(texts) or source_type.of_recipe(recipes.of_texts(texts), self._source_of)
        recipe = hashlib.sha256(texts.get("aigc", "").encode()).hexdigest()
        return self._signer.signed(data, kind, source, png.stem, recipe)

    def _source_of(self, digest: str) -> str:
        """The source type of the picture with these pixels; "" where none is here."""
        try:
            found = self._index.ask(lambda db: kinship.with_pixels(db, digest))
            texts = recipes.head(self._file(found)).texts if found else {}
        except (StorageError, BadFile):
            return ""
        known = source_type.said(texts)
        return known or (source_type.of_recipe(recipes.of_texts(texts), lambda _: "") if found else "")

    def _file(self, image_id: str) -> Path:
        return pictures.path_in(self.root, image_id)
