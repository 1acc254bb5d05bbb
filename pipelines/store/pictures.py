"""A picture's file in the store: its id, its folder, and what can be said about it without decoding it.

The id 20261123-221501-123456-9f3c is the file 2026-11-23/20261123-221501-123456-9f3c.png. Times are UTC, so that ids
sort by time wherever and whenever they were made.
"""

import hashlib
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile
from pipelines.store import recipe as recipes
from pipelines.store.infotext import json_object

MAX_PIXELS = 1 << 26  # a larger picture is not ours: a few bytes of PNG may ask for gigabytes
STORE_CHUNK = "aigc-store"  # who owns the picture and whether it is finished
PIXELS_CHUNK = "aigc-pixels"  # the digest of its pixels, by which what was made from it knows it
_OWN_CHUNK = STORE_CHUNK.encode() + b"\0"
_FORMAT = "%Y%m%d-%H%M%S-%f"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{4}")
_FOLDER = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class ImageInfo:
    """A saved picture. `client` is the owner's tag, not the client's own secret id: ask `belongs_to`. `digest` is that
    of its pixels as its file says it, "" where nobody asked the file."""

    id: str
    created: float
    width: int
    height: int
    recipe: dict[str, Any]
    client: str = ""
    unfinished: bool = False
    digest: str = field(default="", compare=False)

    def belongs_to(self, client: str) -> bool:
        return self.client == owner_tag(client)


def owner_tag(client: str) -> str:
    """What files and index hold instead of a client's id: the id opens its owner's pictures, and files get shared."""
    return hashlib.sha256(b"aigc-studio owner " + client.encode()).hexdigest()[:16] if client else ""


def new_id(microseconds: int) -> str:
    """The id of a picture made at that time since 1970 (UTC)."""
    seconds, rest = divmod(microseconds, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return f"{moment.strftime(_FORMAT)}-{secrets.token_hex(2)}"


def created(image_id: str) -> float | None:
    """The time (seconds since 1970) that an id says; None where it is no id. Nothing else makes a safe file name."""
    if not _ID.fullmatch(image_id):
        return None
    try:
        return datetime.strptime(image_id[:-5], _FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def folder_name(image_id: str) -> str:
    return f"{image_id[:4]}-{image_id[4:6]}-{image_id[6:8]}"


def path_in(root: Path, image_id: str) -> Path:
    return root / folder_name(image_id) / f"{image_id}.png"


def folders(root: Path) -> dict[str, int]:
    """The day folders and when each was last changed (nanoseconds)."""
    with os.scandir(root) as entries:
        days = [e for e in entries if _FOLDER.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
        return {e.name: e.stat(follow_symlinks=False).st_mtime_ns for e in days}


def ids_in(folder: Path) -> set[str]:
    """The ids of the files in a day folder that may be pictures of ours."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.endswith(".png") and e.is_file(follow_symlinks=False)]
    ids = (name.removesuffix(".png") for name in names)
    return {i for i in ids if created(i) is not None and folder_name(i) == folder.name}


def is_file(path: Path) -> bool:
    """Whether a plain file lies there; links out of the folder do not count. Raises OSError where nobody can tell."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def read_info(path: Path) -> ImageInfo | None:
    """What a file says about itself; None where it is cut off, no PNG, or far too large to be shown."""
    try:
        head = recipes.head(path)
    except BadFile:
        return None
    if not head.complete or not 0 < head.width * head.height <= MAX_PIXELS:
        return None
    image_id = path.stem
    kept = json_object(head.texts.get(STORE_CHUNK, "")) or {}
    recipe = recipes.of_texts(head.texts)
    owner, unfinished = str(kept.get("owner", "")), bool(kept.get("unfinished"))
    moment, digest = created(image_id) or 0.0, head.texts.get(PIXELS_CHUNK, "")
    return ImageInfo(image_id, moment, head.width, head.height, recipe, owner, unfinished, digest)


def without_owner(png: bytes) -> bytes:
    """The file as it is handed out: whoever gets two pictures must not learn that one person made both."""
    kept, at = [png[:8]], 8
    while at + 8 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        ours = png[at + 4 : at + 8] in (b"tEXt", b"iTXt") and png.startswith(_OWN_CHUNK, at + 8)
        if not ours:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def store_chunk(owner: str, unfinished: bool) -> str:
    return json.dumps({"owner": owner, "unfinished": unfinished})
