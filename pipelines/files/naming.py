"""What the files of models are called: their place below the folder in which they lie, without the ending.

A name is looked up among the files that are there and never becomes a path. Case counts; letters that Unicode writes in
two ways are the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from pipelines.errors import Sentence
from pipelines.files import disk, plain
from pipelines.files.plain import Folder

ENDINGS = (".safetensors", ".sft")
"""In lower case; files have them in any."""
KNOWN_ENDINGS = (*ENDINGS, ".ckpt", ".pt", ".pth", ".bin", ".gguf")
"""What other tools write behind a model's name."""
DEEPEST, MOST_NAMES = 32, 500_000
FARTHEST = 3
"""Folders above the one in which files are looked for, that may stand in a name."""
HIDDEN = Sentence("Files whose name begins with a dot are hidden and not used. Rename the file.")
UNFIT = Sentence("Its name holds a line break or another character that cannot be shown. Rename the file.")


def below(home: Path, left_out: Collection[str] = ()) -> Iterator[Folder]:
    """The folders at and below one. Hidden ones are not entered, and right below it none of those in `left_out`, in
    small letters."""
    for folder in disk.walk(home, DEEPEST, MOST_NAMES):
        folder.folders[:] = [
            name
            for name in folder.folders
            if not name.startswith(".") and (folder.depth or name.casefold() not in left_out)
        ]
        yield folder


def is_weights(file: str) -> bool:
    """Whether a file of that name holds safetensors."""
    return file.lower().endswith(ENDINGS) and not file.startswith(".")


def fault(name: str) -> Sentence:
    """Why nothing can be chosen by that name; "" where it can."""
    if any(part.startswith(".") for part in name.split("/")):
        return HIDDEN
    return Sentence("") if name and plain.printable(name) == name else UNFIT


def without_ending(name: str) -> str:
    """ "folder/v1-5.safetensors" -> "folder/v1-5"; a name without one of KNOWN_ENDINGS stays as it is."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and f"{dot}{ending}".lower() in KNOWN_ENDINGS else name


def key(name: str) -> str:
    """By which names are compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def distinct(
    files: Iterable[tuple[Path, str, Path]], reserved: Collection[str] = (), with_ending: bool = False
) -> dict[str, Path]:
    """Names -> files, of (the folder looked through, the place below it, the file) in order.

    Each file has one name. Where an earlier one has it already, or where it is reserved, the ending stands behind it,
    or names of folders before it. What can have no name is left out.
    """
    named: dict[str, Path] = {}
    keys, known = set(reserved), set[Path]()
    for home, place, path in files:
        if path in known:
            continue
        known.add(path)
        name = next((name for name in _names(home, place, with_ending) if key(name) not in keys), "")
        if not fault(name):
            keys.add(key(name))
            named[name] = path
    return named


def _names(home: Path, place: str, with_ending: bool) -> Iterator[str]:
    """What a file can be called, the best first."""
    short = place if with_ending else without_ending(place)
    yield short
    if place != short:
        yield place
    for count in range(1, FARTHEST + 1):
        above = "/".join(part for part in home.parts[-count:] if part != home.anchor)
        yield f"{above}/{short}"
        if place != short:
            yield f"{above}/{place}"


def meant(name: str, known: Mapping[str, Path]) -> list[str]:
    """The names among those known that another tool's name can mean: with an ending, with \\ between folders, without
    the folders, or "folder_name" as A1111 writes it. Of several kinds of likeness only the nearest."""
    wanted = key(name.replace("\\", "/").strip().removeprefix("./"))
    if wanted.startswith("/") or ".." in wanted.split("/"):
        return []
    plain_name = without_ending(wanted)
    stem = plain_name.rpartition("/")[2]
    alike: list[list[str]] = [[], [], [], []]
    for other, path in known.items():
        own = without_ending(key(other))
        if wanted in (own, key(other)) or own == plain_name and not _is_another(path, wanted):
            alike[0].append(other)
        elif own.endswith(f"/{plain_name}"):
            alike[1].append(other)
        elif own.replace("/", "_") == plain_name:
            alike[2].append(other)
        elif own.rpartition("/")[2] == stem:
            alike[3].append(other)
    return next(filter(None, alike), [])


def _is_another(path: Path, wanted: str) -> bool:
    """Whether the name has the ending of a safetensors file that this one is not."""
    return wanted.lower().endswith(ENDINGS) and not wanted.lower().endswith(path.suffix.lower())
