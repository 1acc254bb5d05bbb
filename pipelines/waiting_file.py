"""The waiting jobs on disk, so that they survive a restart: one small JSON file, replaced as a whole."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.job import Job

log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Saved:
    """A waiting job as it was written; its request is not checked yet."""

    id: str
    client: str
    generator: str
    request: dict[str, Any]
    created: float


def write(path: Path, jobs: Iterable[Job]) -> None:
    """Replace the file. It is not flushed to the disk: it must survive the end of the process, not a power cut.

    A full disk costs the list, not the jobs: they run all the same, and the log tells.
    """
    rows = [
        {"id": j.id, "client": j.client, "generator": j.generator, "request": j.request.values(), "created": j.created}
        for j in jobs
    ]
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"version": 1, "waiting": rows}), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        log.warning("the waiting jobs could not be written and would not survive a restart: %s", error)


def read(path: Path) -> list[Saved]:
    """The jobs in the file; a file that is not one of ours is set aside under another name."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("larger than any list of jobs")
        rows = json.loads(path.read_text(encoding="utf-8"))["waiting"]
        return [
            Saved(str(r["id"]), str(r["client"]), str(r["generator"]), dict(r["request"]), float(r["created"]))
            for r in rows
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("the waiting jobs could not be read: %s", error)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("the list of waiting jobs is damaged and was set aside: %s", error)
        os.replace(path, path.with_name(path.name + ".damaged"))
    return []
