"""A file from the hub, fetched on a click by a child process; this process stays offline.

First a look says how large it is and under which licence; the download is resumed where an earlier one broke off, its
SHA-256 compared with the hub's, and the file taken in like any stranger's.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from pipelines.confined import process
from pipelines.errors import BadRequest, StorageError
from pipelines.events import Progress
from pipelines.models.converting import container, taking_in
from pipelines.models.strangers import MOST_WEIGHT_BYTES

REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
FILE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.+-]{0,100}/){0,4}[A-Za-z0-9][A-Za-z0-9_.+-]{0,120}")
SUFFIXES = (".safetensors", *container.KINDS)
LOOK_SECONDS, FETCH_SECONDS = 60.0, 24 * 3600.0
SPARE_BYTES = 2**28
FOR_THE_CHILD = ("HF_ENDPOINT", "HF_TOKEN", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE")
"""Read from our environment, nowhere else, and handed to no other child."""


@dataclass(frozen=True)
class Offer:
    """What the hub says of a file before anything of it is fetched."""

    repo: str
    file: str
    size: int
    sha256: str
    licence: str
    gated: bool
    revision: str


def check(repo: str, file: str) -> None:
    """Raises BadRequest for names that no repository or file on the hub has."""
    if not REPO.fullmatch(repo) or ".." in repo or "--" in repo:
        raise BadRequest("repo must be like ORG/NAME; got {got!r}.", got=repo[:60])
    if not FILE.fullmatch(file) or ".." in file or not file.endswith(SUFFIXES):
        raise BadRequest(
            "file must be a file's name that ends in {known}; got {got!r}.", known=", ".join(SUFFIXES), got=file[:60]
        )


def look_up(repo: str, file: str, home: Path = taking_in.HOME) -> Generator[Progress, None, Offer]:
    """Ask the hub what the file is. Raises NotFound, NotAllowed, Busy when the hub cannot be reached."""
    check(repo, file)
    task = {"do": "look", "repo": repo, "file": file}
    made = yield from process.run(CHILD, task, LOOK_SECONDS, _environment(home))
    return Offer(repo, file, **made)


def fetch(repo: str, file: str, home: Path = taking_in.HOME) -> Generator[Progress, None, Path]:
    """Download the file and take it in; what was fetched stays in `.partial` when this is stopped, to be resumed."""
    offer = yield from look_up(repo, file, home)
    if offer.size > MOST_WEIGHT_BYTES:
        raise BadRequest(
            "{file} is {size:.0f} GiB; at most {most} can be used.",
            file=file,
            size=offer.size / 2**30,
            most=MOST_WEIGHT_BYTES // 2**30,
        )
    partial = home / taking_in.PARTIAL / repo.replace("/", "--")
    partial.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(partial).free < offer.size + SPARE_BYTES:
        raise StorageError(
            "{file} takes {size:.1f} GiB, and there is less room. Free some space.", file=file, size=offer.size / 2**30
        )
    task = {"do": "fetch", "repo": repo, "file": file, "folder": str(partial.resolve()), "size": offer.size}
    task |= {"revision": offer.revision, "sha256": offer.sha256}
    yield from process.run(CHILD, task, FETCH_SECONDS, _environment(home))
    taken = yield from taking_in.take_in(partial / file, home)
    shutil.rmtree(partial, ignore_errors=True)
    return taken


CHILD = "pipelines.models.converting.hub_child"


def _environment(home: Path) -> dict[str, str]:
    """The hub's library keeps what it keeps among our partial files, and sends no token but the environment's."""
    passed = {name: os.environ[name] for name in FOR_THE_CHILD if name in os.environ}
    fixed = {
        "HF_HOME": str((home / taking_in.PARTIAL / ".hub").resolve()),
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "" if "HF_TOKEN" in passed else "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return passed | fixed
