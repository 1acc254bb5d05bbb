"""Latents that were painted and could not be decoded, kept beside the pictures so that no sampling is lost.

Each is one safetensors file under `latents/` with the latents of one picture and, in its header, their recipe.
"""

from __future__ import annotations

import json
import re
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import BadFile, NotFound, Sentence
from pipelines.files.leftovers import sweep_parts
from pipelines.files.whole import storage_error, write_whole
from pipelines.models import strangers
from pipelines.models.library import header
from pipelines.requests.kept import KeptLatents
from pipelines.store import pictures

ID = re.compile(r"[0-9a-f]{32}")
NAME = "latents"
MOST_VALUES = 2**24
MOST_FILES = 200


class LatentStore:
    """The files under `root`/latents. An id cannot be guessed: who knows it may decode the picture."""

    def __init__(self, root: Path) -> None:
        self._folder = Path(root) / "latents"
        sweep_parts(self._folder)

    def add(self, latents: NDArray[np.float32], recipe: Mapping[str, Any], client: str = "") -> str:
        """The id of latents that are on the disk when this returns. Raises StorageError."""
        data = np.ascontiguousarray(latents, dtype="<f4")
        latents_id = secrets.token_hex(16)
        said = {"recipe": json.dumps(dict(recipe), allow_nan=False), "owner": pictures.owner_tag(client)}
        tensor = {"dtype": "F32", "shape": list(data.shape), "data_offsets": [0, data.nbytes]}
        header = json.dumps({"__metadata__": said, NAME: tensor}).encode()
        header += b" " * (-len(header) % 8)
        try:
            content = struct.pack("<Q", len(header)) + header + data.tobytes()
            write_whole(self._file(latents_id), content, private=True)
        except OSError as error:
            raise storage_error(error, Sentence("kept")) from None
        self._forget_the_oldest()
        return latents_id

    def load(self, latents_id: str) -> KeptLatents:
        """Raises NotFound, BadFile."""
        path = self._file(latents_id) if ID.fullmatch(latents_id) else None
        if path is None or not path.is_file():
            raise NotFound("the latents to decode are not here any more. Paint the picture again.")
        head = strangers.sound_header(path)
        shape = head.shapes.get(NAME, ())
        if len(shape) != 3 or not 0 < np.prod(shape) <= MOST_VALUES:
            raise BadFile("the file holds no latents of one picture. Paint the picture again.")
        with path.open("rb") as file:
            file.seek(header.weights_at(file))
            data = file.read()
        try:
            recipe = json.loads(head.metadata["recipe"])
            return KeptLatents(np.frombuffer(data, "<f4").reshape(shape).astype(np.float32), dict(recipe))
        except (KeyError, TypeError, ValueError):
            raise BadFile("the latents do not say how they were made. Paint the picture again.") from None

    def remove(self, latents_id: str) -> None:
        """For latents whose picture is there now; does nothing where they are gone."""
        if ID.fullmatch(latents_id):
            self._file(latents_id).unlink(missing_ok=True)

    def _forget_the_oldest(self) -> None:
        times = ((_changed(path), path) for path in self._folder.glob("*.safetensors"))
        for _, path in sorted(times)[:-MOST_FILES]:
            path.unlink(missing_ok=True)

    def _file(self, latents_id: str) -> Path:
        return self._folder / f"{latents_id}.safetensors"


def _changed(path: Path) -> float:
    """When; 0 where another studio was quicker to delete it."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
