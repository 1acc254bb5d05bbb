"""Stars and tags of other programs' pictures, kept by the studio under the digest of the file: they find it again under
another name, in another folder, and after the index was lost.

Only files of a size that a marked one has are digested, so marks cost nothing where there are none.
"""

import hashlib
import os
from pathlib import Path

from pipelines.files import plain
from pipelines.store.folders.rows import File
from pipelines.store.gallery import marks
from pipelines.store.gallery.marks import Marks

FOLDER = "marks-of-others"
_BLOCK = 2**20


class KeptMarks:
    """In a folder of the studio, one file a picture: `<bytes>-<SHA-256>.marks.json`."""

    def __init__(self, outputs: Path) -> None:
        self._folder = outputs / FOLDER

    def sizes(self) -> set[int]:
        """Bytes of the files that are marked."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return set()
        return {int(size) for name in names if (size := name.partition("-")[0]).isascii() and size.isdecimal()}

    def of(self, file: File, sizes: set[int]) -> Marks:
        """None of these where the file cannot be read any more."""
        if file.size not in sizes:
            return Marks()
        try:
            return marks.read(self.place_of(file))[0]
        except OSError:
            return Marks()

    def place_of(self, file: File) -> Path:
        """Beside which the marks of a file lie; the same for each copy of it. Raises OSError."""
        digest = hashlib.sha256()
        with plain.open_regular(file.path, no_link=True) as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
        return self._folder / f"{file.size}-{digest.hexdigest()}"
