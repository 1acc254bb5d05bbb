"""The child process that talks to the hub: one look or one download, told like `child` tells a conversion."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from pipelines.errors import BadFile, Busy, NotAllowed, NotFound, Sentence, StudioError
from pipelines.models.converting.child import fail, say

UNREACHABLE = Sentence(
    "The hub could not be reached, or broke off. What was fetched is kept; try again to go on from there."
)


def main() -> int:
    task = json.loads(sys.stdin.read())
    try:
        with _in_our_words(task["repo"], task["file"]):
            say(made=look(task) if task["do"] == "look" else fetch(task))
        return 0
    except StudioError as error:
        fail(error)
    except Exception as bug:  # only its kind: a message could hold the token
        say(error="bug", message=type(bug).__name__)
    return 1


@contextlib.contextmanager
def _in_our_words(repo: str, file: str) -> Iterator[None]:
    """The hub's errors as ours; its own hold addresses and advice for programmers."""
    from huggingface_hub import errors

    broken: type[Exception] = errors.__dict__["HTTPError"]  # of the library that the hub's speaks through

    try:
        yield
    except errors.GatedRepoError:
        raise NotAllowed(
            "{repo} is given only to who accepted its terms. Accept them on its page, and set HF_TOKEN.", repo=repo
        ) from None
    except errors.RepositoryNotFoundError:
        raise NotFound(
            "the hub has no {repo}, or not for everybody. Check the name, or set HF_TOKEN.", repo=repo
        ) from None
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError):
        raise NotFound("{repo} has no file {file}. Check its name.", repo=repo, file=file) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise NotAllowed(
                "the hub does not give out {repo} ({status}). Set HF_TOKEN to a token that may.",
                repo=repo,
                status=status,
            ) from None
        raise Busy(UNREACHABLE) from None
    except (broken, ConnectionError, TimeoutError, errors.FileMetadataError) as error:
        raise Busy(UNREACHABLE) from error
    except json.JSONDecodeError:
        raise Busy(
            "The hub answered with a web page and not with data: a login page of the network? Open it."
        ) from None
    except OSError as error:
        raise (Busy(UNREACHABLE) if error.errno is None else error) from error


def look(task: dict[str, Any]) -> dict[str, Any]:
    from huggingface_hub import HfApi

    info = HfApi().model_info(task["repo"], files_metadata=True)
    found = next((one for one in info.siblings or () if one.rfilename == task["file"]), None)
    if found is None:
        raise NotFound("{repo} has no file {file}. Check its name.", repo=task["repo"], file=task["file"])
    if found.lfs is None or not found.lfs.sha256:
        raise BadFile(
            "the hub gives no SHA-256 for {file}, so it could not be checked. Choose another file.", file=task["file"]
        )
    licences = [tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:")]
    return {
        "size": int(found.lfs.size),
        "sha256": found.lfs.sha256,
        "licence": licences[0][:80] if licences else "",
        "gated": bool(info.gated),
        "revision": str(info.sha),
    }


def fetch(task: dict[str, Any]) -> dict[str, Any]:
    folder, size = Path(task["folder"]), task["size"]
    part, path = folder / f"{task['sha256']}.partial", folder / task["file"]
    part.touch()
    if part.stat().st_size > size:
        part.write_bytes(b"")
    with _watched(part, size):
        _rest(task, part, size)
    say(stage="checking")
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while block := file.read(2**22):
            digest.update(block)
    if digest.hexdigest() != task["sha256"]:
        part.unlink()
        raise BadFile(
            "{file} arrived with another SHA-256 than the hub's; it was thrown away. Try again.", file=task["file"]
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part.rename(path)
    return {"sha256": digest.hexdigest()}


def _rest(task: dict[str, Any], part: Path, size: int) -> None:
    """Fetch what the file lacks. The hub's own download begins anew in every process; what it is made of does not."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(task["repo"], task["file"], revision=task["revision"])
    location = get_hf_file_metadata(url).location
    headers = build_hf_headers()
    if urlparse(url).netloc != urlparse(location).netloc:  # where files are kept, the token has no business
        headers.pop("authorization", None)
    with part.open("r+b") as file:
        have = file.seek(0, os.SEEK_END)
        if have < size:
            http_get(location, file, resume_size=have, headers=headers, expected_size=size)


@contextlib.contextmanager
def _watched(part: Path, size: int) -> Iterator[None]:
    """Tell every moment how much of the file is there."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            say(stage="downloading", done=part.stat().st_size, total=size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


if __name__ == "__main__":
    sys.exit(main())
