"""A model that was looked over: what it is made of, and what tells its state from any other."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.files.whole import sha256_of
from pipelines.models.architectures import ARCHITECTURES, BRIDGE


@dataclass(frozen=True)
class ModelInfo:
    """A model that passed: where it is, what it is made of, and how many bytes of weights it holds.

    `weights`: the files of each part, several where it is cut into shards. `configs`: each part's, the scheduler's, and
    model_index.json itself under "model_index".
    """

    name: str
    folder: Path
    architecture: str
    classes: Mapping[str, str]
    weights: Mapping[str, tuple[Path, ...]]
    weight_bytes: int
    configs: Mapping[str, dict[str, Any]] = field(repr=False)

    @property
    def bridged(self) -> bool:
        """Whether diffusers' own pipeline paints, and not a loop of ours (see pipelines/diffusion/bridge)."""
        return self.architecture == BRIDGE

    @property
    def pipeline(self) -> str:
        """What diffusers calls it; "" for a checkpoint of one file."""
        return str(self.configs.get("model_index", {}).get("_class_name", ""))

    @property
    def network(self) -> str:
        """The part that denoises."""
        if not self.bridged:
            return ARCHITECTURES[self.architecture].network
        named = (name for name in ("transformer", "unet", "decoder") if name in self.weights)
        return next(named, next(iter(self.weights)))


def identity(info: ModelInfo) -> str:
    """What tells this state of a model's files from any other, without reading them."""
    stats = [path.stat() for files in info.weights.values() for path in files]
    prediction = str(
        info.configs.get("scheduler", {}).get("prediction_type")
    )  # a config beside a file may change alone
    state = (prediction, *((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats))
    return f"{info.name}@{hash(state) & 2**64 - 1:x}"


def model_hash(info: ModelInfo) -> str:
    """First ten hex digits of the SHA-256 of the network's weights; counted once for each state of the files."""
    files = info.weights[info.network]
    stats = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return _hash(files, stats)


@functools.lru_cache(maxsize=64)
def _hash(files: tuple[Path, ...], stats: tuple[tuple[int, int], ...]) -> str:
    return sha256_of(files)[:10]
