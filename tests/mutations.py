"""Folders of models in which one value of one config is another: what a stranger, or a bad copy, may bring."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGS = (
    "model_index.json",
    "config.json",
    "scheduler_config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 3, 7, 65, 4096, 1_000_000, 2**31, 10**30, 0.5, -0.0, 1e308),
    *("", "many", "os.system", "silu", "SwiGLU", "../../etc", "Model", "DownBlock2D", [], {}, [[]], [None], [0]),
    *([1, "a"], [8, 8, 8, 8, 8, 8], {"a": {"b": [1]}}, ["CrossAttnDownBlock2D"] * 2),
)
DEEP: list[Any] = []
for _ in range(500):
    DEEP = [DEEP]
GONE = object()


@dataclass(frozen=True)
class Mutation:
    """`file`, relative to the folder, says `value` under `key`; or nothing, where it is GONE."""

    file: Path
    key: str
    value: Any

    def __str__(self) -> str:
        return f"{self.file}: {self.key} = {'gone' if self.value is GONE else str(self.value)[:40]}"

    def change(self, config: dict[str, Any]) -> None:
        config.pop(self.key, None)
        if self.value is not GONE:
            config[self.key] = self.value

    def applied(self, folder: Path, target: Path) -> Path:
        shutil.copytree(folder, target)
        config = json.loads((target / self.file).read_text())
        self.change(config)
        (target / self.file).write_text(json.dumps(config))
        return target


def mutations(folder: Path, count: int, seed: int = 0) -> Iterator[Mutation]:
    """`count` of them, the same for the same folder and seed; each key's turn comes before any comes again."""
    source = random.Random(f"{folder.name}{seed}")
    files = sorted(path for path in folder.rglob("*.json") if path.name in CONFIGS)
    keys = [(path.relative_to(folder), key) for path in files for key in sorted(json.loads(path.read_text()))]
    source.shuffle(keys)
    for i in range(count):
        file, key = keys[i % len(keys)]
        value = source.choice((*VALUES, DEEP, GONE, GONE, "like", "like"))
        if value == "like":
            value = _near(json.loads((folder / file).read_text())[key], source)
        yield Mutation(file, key, value)


def _near(value: Any, source: random.Random) -> Any:
    """A value of the same type, but another."""
    match value:
        case bool():
            return not value
        case int() | float():
            return source.choice([value * 2, value + 1, -value, value * 1000])
        case str():
            return value + "x"
        case [first, *_]:
            return source.choice([[*value, first], value[1:], [_near(first, source), *value[1:]], value[::-1]])
    return 1
