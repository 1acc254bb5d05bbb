"""The command line's `convert`, `import` and `download`."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile
from pipelines.events import Progress
from pipelines.models.converting import convert, hub, sources, taking_in
from pipelines.models.converting.requests import DTYPES


def add(verbs: Any) -> None:
    one = verbs.add_parser("convert", help="a checkpoint to safetensors beside it, or to another dtype")
    one.add_argument("file", metavar="FILE", type=Path)
    one.add_argument("--dtype", default="keep", choices=DTYPES, help="how its numbers are kept (keep)")
    one.add_argument("--folder", action="store_true", help="make a folder as diffusers reads it")
    one.set_defaults(run=_convert)
    one = verbs.add_parser("import", help="look a file over and copy or convert it into models")
    one.add_argument("file", metavar="FILE", type=Path)
    one.add_argument("--dtype", default="keep", choices=DTYPES, help="how its numbers are kept (keep)")
    one.set_defaults(run=lambda options: _take(taking_in.take_in(options.file, dtype=options.dtype)))
    one = verbs.add_parser("download", help="a file from the Hugging Face hub into models")
    one.add_argument("repo", metavar="ORG/NAME")
    one.add_argument("file", metavar="FILE")
    one.add_argument("--look", action="store_true", help="only say how large it is, and its licence")
    one.set_defaults(run=_download)


def _convert(options: argparse.Namespace) -> int:
    source: Path = options.file
    if source.suffix not in sources.SUFFIXES or not source.is_file():
        raise BadFile(
            "{file} is no file that can be converted; these are: {known}.",
            file=source.name[:60],
            known=", ".join(sources.SUFFIXES),
        )
    if options.folder:
        target = convert.folder_of(source, options.dtype)
        _watch(convert.to_folder(source, target, options.dtype))
        print(target)
        return 0
    target = convert.target_of(source, options.dtype)
    found = _watch(convert.convert(source, target, options.dtype))
    print(f"{target}  ({found.kind.replace('_', ' ')}, {found.architecture})")
    return 0


def _download(options: argparse.Namespace) -> int:
    offer = _watch(hub.look_up(options.repo, options.file))
    print(f"{offer.file}: {offer.size / 2**20:.1f} MiB, licence {offer.licence or 'not said'}")
    return 0 if options.look else _take(hub.fetch(options.repo, options.file))


def _take(stream: Generator[Progress, None, Path]) -> int:
    print(_watch(stream))
    return 0


def _watch(stream: Generator[Progress, None, Any]) -> Any:
    from tqdm import tqdm

    with tqdm(disable=None, bar_format="{desc} {percentage:3.0f}%") as bar:
        while True:
            try:
                progress = next(stream)
            except StopIteration as over:
                return over.value
            bar.total = progress.total or 1
            bar.n = progress.done
            bar.set_description_str(progress.stage)
