"""The child process that converts one file: a task as JSON on stdin, progress and the outcome as JSON lines on stdout.

{"stage": "reading", "done": 3, "total": 10}   {"made": {...}}
{"error": "bad_file", "message": "...", "template": "...", "values": {...}}
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from pipelines import libs
from pipelines.confined import limits
from pipelines.errors import BadFile, Sentence, StorageError, StudioError
from pipelines.models import strangers
from pipelines.models.converting import container, pickled, writing


def main() -> int:
    task = json.loads(sys.stdin.read())
    try:
        say(made=convert(task))
        return 0
    except StudioError as error:
        fail(error)
    except MemoryError:
        fail(BadFile("The file takes more memory than its size explains. It was not converted."))
    except OSError as error:
        fail(
            StorageError(
                "The file could not be read or written: {problem}.", problem=error.strerror or Sentence("not allowed")
            )
        )
    except Exception as bug:  # its last words: the parent shows a sentence and logs this
        say(error="bug", message=f"{type(bug).__name__}: {bug}"[:400])
    return 1


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def fail(error: StudioError) -> None:
    say(error=error.code, **error.sentence.to_json())


def convert(task: dict[str, Any]) -> dict[str, Any]:
    """Convert `source` into the file `part` with tensors of `dtype`; the parent gives it its name."""
    source, part = Path(task["source"]), Path(task["part"])
    libs.torch().set_num_threads(1)
    size = source.stat().st_size
    if task["output"] == "folder":
        return _folder(source, part, task["dtype"])
    note = limits.confine(3 * size, 8 * size + 2**24, part.parent)
    before = _state(source)
    digest = _sha256(source, size)
    metadata = {"converted_from": source.name[:200], "converted_from_sha256": digest, "format": "pt"}
    if source.suffix == ".safetensors":
        entries, read, said = _safetensors(source)
        metadata = {**said, **metadata}
    else:
        tensors = pickled.read(source, container.check(source))
        entries, read = [writing.entry(name, tensor) for name, tensor in tensors.items()], tensors.__getitem__
    writing.write(part, entries, read, task["dtype"], metadata, lambda d, t: say(stage="converting", done=d, total=t))
    if _state(source) != before:
        raise BadFile("The file was changed while it was converted, so the result was thrown away. Try again.")
    return {"tensors": len(entries), "sha256": digest, "note": note}


def _folder(source: Path, part: Path, dtype: str) -> dict[str, Any]:
    """One safetensors file, with those among the models that it needs, as a folder of diffusers."""
    from pipelines.models.checkpoints import single_file
    from pipelines.models.converting import folder

    libs.diffusers()  # before the limits, as it loads libraries
    libs.transformers()
    libs.function("diffusers.loaders.single_file_utils", "convert_ldm_vae_checkpoint")
    before = _state(source)
    info = single_file.inspect(source)
    note = limits.confine(6 * info.weight_bytes, 8 * info.weight_bytes + 2**26, part.parent)
    folder.write(info, part, dtype, lambda done, total: say(stage="converting", done=done, total=total))
    if _state(source) != before:
        raise BadFile("The file was changed while it was converted, so the result was thrown away. Try again.")
    return {"parts": len(info.weights), "note": note}


def _safetensors(source: Path) -> tuple[list[writing.Entry], Any, dict[str, str]]:
    from safetensors import safe_open

    known = {word: name for name, word in writing.WORDS.items()}
    head = strangers.sound_header(source)
    entries = [writing.Entry(name, shape, known[head.dtypes[name]]) for name, shape in head.shapes.items()]
    return entries, safe_open(source, "pt").get_tensor, dict(head.metadata)


def _state(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _sha256(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**22):
            digest.update(block)
            say(stage="reading", done=file.tell() >> 20, total=size >> 20)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
