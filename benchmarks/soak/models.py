"""Folders of models whose small files ask for much: what a stranger's config or tokenizer costs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio
from pipelines import places

SOUND = "aigc-mini"
Config = dict[str, Any]
BLOCKS = 16


@attack("a model's config asks for 48 text layers of 4,096 (7 GB)")
def text_layers(studio: Studio) -> str:
    values = {"num_hidden_layers": 48, "hidden_size": 4096, "intermediate_size": 16384}
    with changed_model("layers", "text_encoder/config.json", lambda config: config.update(values)) as name:
        return _painted(studio, name)


@attack("a model's config asks for a UNet of 16 blocks of 8 layers (a minute of building)")
def blocks(studio: Studio) -> str:
    values = {
        "block_out_channels": [64] * BLOCKS,
        "down_block_types": ["CrossAttnDownBlock2D"] * BLOCKS,
        "up_block_types": ["CrossAttnUpBlock2D"] * BLOCKS,
        "layers_per_block": 8,
        "transformer_layers_per_block": 16,
    }
    with changed_model("blocks", "unet/config.json", lambda config: config.update(values)) as name:
        return _painted(studio, name)


@attack("the tokens of a prompt are counted by five replacements that feed one another")
def replacements(studio: Studio) -> str:
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
    normalizer = {"type": "Sequence", "normalizers": [step] * 5}
    return _counted(studio, lambda config: config.update(normalizer=normalizer))


@attack("the tokens of a prompt are counted by an expression that panics")
def expression(studio: Studio) -> str:
    normalizer = {"type": "Replace", "pattern": {"Regex": "(a|a)*$|(?<!a*)b"}, "content": ""}
    return _counted(studio, lambda config: config.update(normalizer=normalizer))


def _painted(studio: Studio, model: str) -> str:
    """A job with that model, cancelled where it takes longer than half a minute."""
    job = studio.submit(model=model, num_inference_steps=1)
    until = time.monotonic() + 30
    while (seen := studio.http.get(f"/api/v1/jobs/{job['id']}").json())["state"] not in ("done", "failed", "cancelled"):
        if time.monotonic() > until:
            studio.http.delete(f"/api/v1/jobs/{job['id']}")
        time.sleep(0.1)
    return f"{seen['state']}: {str((seen.get('error') or {}).get('message'))[:90]}"


def _counted(studio: Studio, change: Callable[[Config], None]) -> str:
    with changed_model("words", "tokenizer/tokenizer.json", change) as name:
        try:
            body = {"model": name, "prompt": "a" * 1000}
            answer = studio.http.post("/api/v1/prompt/tokens", json=body, timeout=120)
        except httpx.TransportError as error:
            return f"no answer: {type(error).__name__}"
        return f"{answer.status_code}: {answer.text[:90]}"


@contextlib.contextmanager
def changed_model(name: str, file: str, change: Callable[[Config], None]) -> Iterator[str]:
    """A copy of the shipped model among the user's own, with one JSON file changed."""
    folder = places.OURS / f"soak-{name}-{os.getpid()}"
    shutil.copytree(places.EMBEDDED / SOUND, folder)
    try:
        config = json.loads((folder / file).read_text())
        change(config)
        (folder / file).write_text(json.dumps(config))
        yield folder.name
    finally:
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):  # others' models lie there
            places.OURS.rmdir()
