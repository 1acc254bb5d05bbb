"""What a person says of a picture: favourite, stars, tags. Kept beside it in a small file, for an index may be lost.

One file a marked picture, `<id>.marks.json`: it is written whole, goes into the bin and back with its picture, and two
studios that mark different pictures at once lose nothing.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.files.whole import write_whole
from pipelines.store.infotext import json_object

ENDING = ".marks.json"
MOST_BYTES = 1 << 16
MOST_STARS = 5
MOST_TAGS, LONGEST_TAG = 50, 60


@dataclass(frozen=True)
class Marks:
    favourite: bool = False
    stars: int = 0
    tags: tuple[str, ...] = ()


def path_of(picture: Path) -> Path:
    return picture.with_name(picture.stem + ENDING)


def clean_tags(tags: Iterable[object]) -> tuple[str, ...]:
    """Each once, in order, without spaces around it and signs that nobody sees."""
    words = (" ".join("".join(c for c in t if c.isprintable()).split()) for t in tags if isinstance(t, str))
    return tuple(dict.fromkeys(word[:LONGEST_TAG] for word in words if word))[:MOST_TAGS]


def read(picture: Path) -> tuple[Marks, int]:
    """The marks of a picture and when they were written (nanoseconds); none and 0 where there is no file.

    A file that somebody else wrote is read as far as it makes sense.
    """
    try:
        with path_of(picture).open("rb") as file:
            written = os.fstat(file.fileno()).st_mtime_ns
            content = json_object(file.read(MOST_BYTES).decode("utf-8", "replace")) or {}
    except OSError:
        return Marks(), 0
    stars, tags = content.get("stars"), content.get("tags")
    stars = min(max(stars, 0), MOST_STARS) if isinstance(stars, int) else 0
    return Marks(content.get("favourite") is True, stars, clean_tags(tags if isinstance(tags, list) else ())), written


def write(picture: Path, marks: Marks) -> None:
    """Raises OSError."""
    if marks == Marks():
        path_of(picture).unlink(missing_ok=True)
    else:
        write_whole(path_of(picture), _json(marks))


def written_in(folder: Path) -> dict[str, int]:
    """When the marks in a day folder were written (nanoseconds), by the picture's id. Raises OSError."""
    with os.scandir(folder) as entries:
        files = [e for e in entries if e.name.endswith(ENDING) and e.is_file(follow_symlinks=False)]
        return {e.name.removesuffix(ENDING): e.stat(follow_symlinks=False).st_mtime_ns for e in files}


def _json(marks: Marks) -> bytes:
    return json.dumps(asdict(marks), ensure_ascii=False).encode("utf-8", "replace")
