"""Odd files as they lie on real disks and as strangers plant them, by name: what is planted beside a sound model."""

import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Plant = Callable[[Path], object]
SECONDS = 30.0


def safetensors(path: Path, shape: tuple[int, ...] = (1,), name: str = "a", **more: Any) -> Path:
    """A true file of one tensor."""
    size = 4
    for side in shape:
        size *= side
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}
    header = json.dumps({name: entry, **more}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(min(size, 2**20)))
    return path


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's whole path must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _deep(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        safetensors(Path("deepest.safetensors"))
    finally:
        os.chdir(here)


def _bytes_name(folder: Path) -> None:
    safetensors(folder / "plain.safetensors").rename(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe\x80.safetensors"))


MODELS: dict[str, tuple[Plant, str]] = {
    # what lies in the folder of models, and a part of the reason that its own entry gives; "" where it is sound
    "a pipe": (lambda f: os.mkfifo(f / "odd.safetensors"), "it is a pipe"),
    "a socket": (lambda f: _socket(f / "odd.ckpt"), "it is a socket"),
    "a link to a device": (lambda f: (f / "odd.safetensors").symlink_to("/dev/zero"), "it is a device"),
    "a link in a circle": (lambda f: (f / "odd.safetensors").symlink_to(f / "odd.safetensors"), "cannot be read"),
    "a link to nothing": (lambda f: (f / "odd.pt").symlink_to(f / "nowhere"), "cannot be read"),
    "a link to a folder": (lambda f: (f / "odd.safetensors").symlink_to(f), "model_index.json is missing"),
    "a link to another file": (lambda f: (f / "odd.safetensors").symlink_to("/etc/passwd"), "no format"),
    "an index that is a pipe": (lambda f: ((f / "odd").mkdir(), os.mkfifo(f / "odd/model_index.json")), "is missing"),
    "a name that is no UTF-8": (_bytes_name, ""),
    "a name with a new line": (lambda f: safetensors(f / "a\nb.safetensors"), ""),
    "a name of 255 bytes": (lambda f: safetensors(f / ("n" * 243 + ".safetensors")), ""),
    "a name of emoji": (lambda f: safetensors(f / "👩‍🚀🎨.safetensors"), ""),
    "a name that runs backwards": (lambda f: safetensors(f / "\u202ecod.safetensors"), ""),
    "a shape of nothing": (lambda f: safetensors(f / "odd.safetensors", (), "conv_first.weight"), ""),
    "a shape of zeros": (
        lambda f: safetensors(
            f / "odd.safetensors",
            (0, 0),
            "conv_first.weight",
            **{"body.0.rdb1.x": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}},
        ),
        "",
    ),
}
IGNORED: dict[str, Plant] = {
    "a folder under a file's name": lambda f: (f / "odd.safetensors").mkdir(),
    "a hidden file": lambda f: safetensors(f / ".safetensors"),
    "folders 1200 deep": _deep,
    "a circle of folders": lambda f: (f / "circle").symlink_to(f),
    "a link to everything": lambda f: (f / "everything").symlink_to("/"),
    "twenty thousand other files": lambda f: [(f / f"{n}.txt").touch() for n in range(20_000)],
}

NOTES: dict[str, str | bytes] = {
    # what stands in a side file
    "words that are a number": '{"trainedWords": 5}',
    "words that are an object": '{"trainedWords": {"a": 1}, "description": {"b": 2}}',
    "words of words": '{"trainedWords": [["a"], null, 5, {"b": 1}, true], "activation text": ["x"]}',
    "half characters": r'{"trainedWords": ["\ud800"], "description": "\udfff", "activation text": "\ud800"}',
    "no object": "[1, 2]",
    "a licence that is an object": '{"license": {"name": 1}, "baseModel": ["SD 1"], "notes": 7}',
    "a thousand lists in lists": '{"trainedWords": ' + "[" * 1000 + "]" * 1000 + "}",
    "half a million values": json.dumps({"trainedWords": [1] * 500_000}),
    "a number of a hundred thousand digits": '{"trainedWords": ' + "9" * 100_000 + "}",
    "not a number": '{"trainedWords": NaN, "description": Infinity}',
    "bytes": b"\xff\xfe\x00\xd8",
    "nothing": "",
    "three megabytes": '{"description": "' + "x" * 3 * 2**20 + '"}',
}

SIDES: dict[str, Callable[[Path], object]] = {
    # what lies in the place of a side file
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a link to a secret": lambda path: path.symlink_to(path.parent.parent / "secret"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link in a circle": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nowhere"),
}


def within(work: Callable[[], T], seconds: float = SECONDS) -> T:
    """What `work` answers; fails where it hangs."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"it hangs: no answer in {seconds} s"
    if errors:
        raise errors[0]
    return answers[0]
