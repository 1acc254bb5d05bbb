"""A stranger's file among the models: looked over, converted if it is a pickle, and put where its kind belongs."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

from pipelines import places
from pipelines.errors import BadFile, NotFound, Sentence
from pipelines.events import Progress
from pipelines.files import naming
from pipelines.files.whole import storage_error
from pipelines.models.converting import container, convert

HOME = places.OURS
PARTIAL = ".partial"
PLACES = {
    "checkpoint": "checkpoints",
    "denoiser": "diffusion_models",
    "vae": "vae",
    "text_encoder": "text_encoders",
    "lora": "loras",
    "textual_inversion": "embeddings",
    "controlnet": "controlnet",
    "ip_adapter": "ipadapter",
    "image_encoder": "clip_vision",
    "upscaler": "upscale_models",
}
"""Folders as other tools call them, too, by the recogniser's kinds."""


def take_in(source: Path, home: Path = HOME, dtype: str = "keep") -> Generator[Progress, None, Path]:
    """Copy or convert a file into `home`; returns where it lies. The source stays. Raises BadFile, NotFound."""
    if not source.is_file():
        raise NotFound("there is no file {file!r}. Check its name.", file=source.name[:60])
    if why := naming.fault(source.name):
        raise BadFile("{file!r}: {why}", file=source.name[:60], why=why.with_small_first())
    waiting = home / PARTIAL / f"{source.stem}{convert.ENDINGS[dtype]}.safetensors"
    try:
        waiting.unlink(missing_ok=True)  # what an earlier try left
        if dtype != "keep" or source.suffix in container.KINDS:
            yield from convert.convert(source, waiting, dtype)
        else:
            yield Progress("checking")
            convert.look_over(source)
            yield Progress("copying")
            waiting.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, waiting)
        return put_in_place(waiting, home)
    except OSError as error:
        raise storage_error(error, Sentence("taken in")) from error
    finally:
        waiting.unlink(missing_ok=True)


def put_in_place(file: Path, home: Path) -> Path:
    """Move a safetensors file of ours to the folder of its kind. Raises BadFile where it is no model, BadRequest."""
    found = convert.look_over(file)
    if found.kind not in PLACES:
        if found.unusable:
            raise BadFile(found.unusable)
        raise BadFile("{file} is a {kind}, which nothing here uses.", file=file.name[:60], kind=found.kind)
    target = home / PLACES[found.kind] / file.name
    convert.target_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)
    return target
