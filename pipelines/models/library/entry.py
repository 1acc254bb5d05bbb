"""One model file or folder of the library, as it lies on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.files.plain import printable
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.library.kinds import NAMES, Recognised, architecture_name


@dataclass(frozen=True)
class Root:
    """A folder of models. `whose`: "shipped" with the studio, "ours", "other" tools', or the hub's "cache"."""

    path: Path
    whose: str


def base_name(architecture: str) -> str:
    """What people call it. Models that run through the bridge are known by the name of their pipeline."""
    if architecture.endswith("Pipeline"):
        return architecture
    known = ARCHITECTURES.get(architecture)
    return known.label if known and architecture not in NAMES else architecture_name(architecture)


@dataclass(frozen=True)
class Entry:
    """`format` is what its first bytes say (safetensors, pickle), or "folder"; `state` changes with its content."""

    root: Root
    path: Path
    name: str
    size: int
    state: str
    format: str
    found: Recognised
    sha256: str = ""
    payload_sha256: str = ""
    """Of a safetensors file without its header, which other tools call a LoRA's hash."""
    side: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What a client calls it: says nothing of where it lies."""
        return hashlib.sha256(str(self.path).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def may_be_removed(self) -> bool:
        return self.root.whose in ("ours", "other")

    @property
    def place(self) -> str:
        """The folder as people know it, without what lies above the library."""
        inside = self.path.parent.relative_to(self.root.path).parts if self.path != self.root.path else ()
        return printable("/".join((self.root.path.name, *inside)[-3:]))

    def to_json(self) -> dict[str, Any]:
        """What the page and the API show; no path."""
        found = asdict(self.found)
        return {
            "id": self.id,
            "name": self.name,
            "size": self.size,
            "format": self.format,
            "whose": self.root.whose,
            "place": self.place,
            "removable": self.may_be_removed,
            "label": found["title"] or self.name,
            "base": base_name(self.found.architecture),
            "hash": self.sha256[:10],
            "payload_hash": self.payload_sha256[:12],
            **found,
            **self.side,
        }
