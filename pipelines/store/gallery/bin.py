"""Pictures that were thrown away and can be brought back: a folder of days inside the picture folder.

A picture moves with its marks by renaming, which takes no room on a full disk. The files are the truth here, too; the
index does not know the bin.
"""

from pathlib import Path

from pipelines.errors import NotFound, Sentence, StorageError
from pipelines.files.whole import storage_error
from pipelines.store import pictures
from pipelines.store.gallery import marks
from pipelines.store.gallery.thumbnails import Thumbnails
from pipelines.store.index import Index
from pipelines.store.pictures import ImageInfo

FOLDER = "bin"


class Bin:
    """Of one picture folder."""

    def __init__(self, root: Path, index: Index) -> None:
        self._root, self.folder, self._index = root, root / FOLDER, index
        self.thumbnails = Thumbnails(self.folder)

    def put(self, image_id: str) -> None:
        """Raises NotFound, StorageError."""
        try:
            _move(self._root, self.folder, image_id)
        except OSError as error:
            raise storage_error(error, Sentence("deleted")) from None
        self._index.remove(image_id)

    def restore(self, image_id: str) -> None:
        """Raises NotFound, StorageError."""
        try:
            _move(self.folder, self._root, image_id)
        except OSError as error:
            raise storage_error(error, Sentence("brought back")) from None
        self.thumbnails.forget(image_id)

    def newest(self, limit: int, owner: str | None = None) -> list[ImageInfo]:
        """What lies in it, those made last first; of one owner where it is given. Raises StorageError."""
        found: list[ImageInfo] = []
        try:
            for day in sorted(pictures.folders(self.folder), reverse=True) if self.folder.is_dir() else ():
                for image_id in sorted(pictures.ids_in(self.folder / day), reverse=True):
                    info = pictures.read_info(pictures.path_in(self.folder, image_id))
                    if info and owner in (None, info.client):
                        found.append(info)
                    if len(found) == limit:
                        return found
        except OSError as error:
            raise storage_error(error, Sentence("opened")) from None
        return found

    def get(self, image_id: str) -> ImageInfo:
        """Raises NotFound, also for what is no id at all."""
        known = pictures.created(image_id) is not None
        info = pictures.read_info(pictures.path_in(self.folder, image_id)) if known else None
        if info is None:
            raise NotFound("this picture is not in the bin. Reload the gallery.")
        return info

    def destroy(self, image_id: str) -> None:
        """For good. Raises StorageError."""
        path = pictures.path_in(self.folder, image_id)
        self.thumbnails.forget(image_id)
        try:
            path.unlink(missing_ok=True)
            marks.path_of(path).unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, Sentence("deleted")) from None


def _move(source: Path, target: Path, image_id: str) -> None:
    """A picture between two folders of days. Raises OSError, NotFound, StorageError where another is."""
    before, after = pictures.path_in(source, image_id), pictures.path_in(target, image_id)
    if not pictures.is_file(before):
        raise NotFound("there is no such picture. It may have been deleted; reload the gallery.")
    after.parent.mkdir(parents=True, exist_ok=True)
    if after.exists():
        raise StorageError("another picture of this name is there already. Rename one of the two files.")
    before.rename(after)
    if marks.path_of(before).exists():
        marks.path_of(before).replace(marks.path_of(after))
