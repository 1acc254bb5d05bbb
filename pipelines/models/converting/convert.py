"""One file becomes a safe one beside it: the conversion in its child process, the check of what came out, the name."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Generator
from pathlib import Path

from pipelines import libs, models, places
from pipelines.confined import process
from pipelines.errors import BadRequest, Sentence
from pipelines.events import Progress
from pipelines.files.leftovers import sweep_parts
from pipelines.files.whole import storage_error
from pipelines.models import strangers
from pipelines.models.info import ModelInfo
from pipelines.models.library import recognise
from pipelines.models.library.kinds import Recognised

TIMEOUT_SECONDS = 3600.0
ENDINGS = {"keep": "", "float32": "-fp32", "float16": "-fp16", "bfloat16": "-bf16"}


def target_of(source: Path, dtype: str, folder: Path | None = None) -> Path:
    """What the safetensors file of a conversion is called. Raises BadRequest where that is taken."""
    target = (folder or source.parent) / f"{source.stem}{ENDINGS[dtype]}.safetensors"
    target_free(target)
    return target


def target_free(target: Path) -> None:
    if target.exists():
        raise BadRequest(
            "{file} is already there. Remove or rename it, or choose another dtype.", file=target.name[:80]
        )


def convert(
    source: Path, target: Path, dtype: str = "keep", timeout: float = TIMEOUT_SECONDS
) -> Generator[Progress, None, Recognised]:
    """Make `target` of a pickled checkpoint or a safetensors file; whatever happens, it is whole or not there.

    Raises BadFile with what is wrong with the source, StorageError.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_parts(target.parent)  # of a studio that was killed
        part = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part")
        try:
            task = {"source": str(source.resolve()), "part": str(part.resolve()), "dtype": dtype, "output": "file"}
            made = yield from process.run("pipelines.models.converting.child", task, timeout)
            if made["note"]:
                yield Progress("checking", note=made["note"])
            found = look_over(part)
            target_free(target)
            part.rename(target)
            return found
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, Sentence("converted")) from error


def to_folder(
    source: Path, target: Path, dtype: str = "keep", timeout: float = TIMEOUT_SECONDS
) -> Generator[Progress, None, ModelInfo]:
    """Make `target`, a folder of diffusers, of a safetensors checkpoint; whole or not there. Raises as `convert`."""
    if source.suffix != ".safetensors":
        raise BadRequest(
            "{file} is a pickle: convert it to one safetensors file first, then to a folder.", file=source.name[:60]
        )
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        task = {"source": str(source.resolve()), "part": str(part.resolve()), "dtype": dtype, "output": "folder"}
        told = places.environment() | libs.ENVIRONMENT
        made = yield from process.run("pipelines.models.converting.child", task, timeout, told)
        if made["note"]:
            yield Progress("checking", note=made["note"])
        found = models.inspect(part)
        target_free(target)
        part.rename(target)
        return found
    except OSError as error:
        raise storage_error(error, Sentence("converted")) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def folder_of(source: Path, dtype: str) -> Path:
    """What the folder of a conversion is called, among the models. Raises BadRequest where that is taken."""
    beside = source.parent.parent if source.parent.name in places.FOLDERS[places.CHECKPOINTS] else source.parent
    target = beside / f"{source.stem}{ENDINGS[dtype]}-folder"
    target_free(target)
    return target


def look_over(path: Path) -> Recognised:
    """What a safetensors file is. Raises BadFile where its header is not true to it."""
    head = strangers.sound_header(path)
    return recognise.recognise(head.shapes, head.metadata, head.dtypes, path.stem)
