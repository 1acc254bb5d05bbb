"""Types of what the engine tells the page, written from its own classes: `python -m frontend.engine_types`."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

import numpy as np

from aigc_ui.frames import FrameEncoder
from aigc_ui.looks import Look
from pipelines import lab, registry
from pipelines.engine.job import Job, JobProgress, JobState
from pipelines.events import Frame, Loss, Progress, Snapshot
from pipelines.params import Choice, Curve, Field

FILE = Path(__file__).parents[1] / "aigc_ui" / "static" / "engine.d.ts"
GENERATORS = ("text-to-image", "grid", "prompt-lines", "upscale", "decode", "sketch")  # of jobs that Create starts
BENCHES = ("family-race", "points-training", "family-training", "film")  # of benches and dialogs that start jobs
NAMES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "any"}
SENTENCE = {"message": "string", "template": "string", "values": "Record<string, string | Sentence>"}
PARTS = {"eps?": "string", "pull?": "string"}  # of a frame, where a step is taken apart
JOB = {  # what an empty job cannot show of itself
    "state": "JobState",
    "error": "JobError | null",
    "progress": "JobProgress",
    "request": "Partial<RequestFields>",
    "position": "number | null",
    "starts_in": "number | null",
    "ends_in": "number | null",
    "started": "number | null",
    "finished": "number | null",
    "image_ids": "string[]",
    "latents_ids": "string[]",
    "notes": "string[]",
}


def text() -> str:
    """The whole file."""
    fields = {field.name: field for name in GENERATORS for field in registry.get(name).request_type.fields()}
    empty = registry.get(GENERATORS[0]).request_type
    job = Job(GENERATORS[0], empty(), "").snapshot() | {"own": True}
    pixel = np.zeros((1, 1, 1, 3), np.uint8)
    frame = FrameEncoder().encode(Frame(0, 1, 1.0, pixel, pixel))
    benches = [lab.request_type(name) for name in lab.names()]
    benches += [registry.get(name).request_type for name in BENCHES]
    parts = [
        "// Written by `python -m frontend.engine_types` from the engine's own classes; do not change it by hand.",
        f"export type JobState = {' | '.join(quoted(state) for state in JobState)};",
        interface("Sentence", SENTENCE),
        interface("JobError", {"code": "string", **SENTENCE}),
        *(of_dataclass(kind) for kind in (JobProgress, Progress, Loss, Snapshot, Look)),
        interface("Frame", {name: NAMES[type(value)] for name, value in frame.items()} | PARTS),
        interface("RequestFields", {name: of_field(field) for name, field in fields.items()}),
        *(interface(kind.__name__, {field.name: of_field(field) for field in kind.fields()}) for kind in benches),
        interface("Job", {name: JOB.get(name) or NAMES[type(value)] for name, value in job.items()}),
    ]
    return "\n\n".join(parts) + "\n"


def interface(name: str, members: dict[str, str]) -> str:
    lines = "\n".join(f"  {member}: {kind};" for member, kind in members.items())
    return f"export interface {name} {{\n{lines}\n}}"


def of_dataclass(kind: type) -> str:
    hints = typing.get_type_hints(kind)
    return interface(kind.__name__, {field.name: of_hint(hints[field.name]) for field in dataclasses.fields(kind)})


def of_hint(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return " | ".join(map(of_hint, typing.get_args(hint)))
    if typing.get_origin(hint) is dict:
        return f"Record<string, {of_hint(typing.get_args(hint)[1])}>"
    return NAMES[hint]


def of_field(field: Field) -> str:
    """Choices that depend on what is installed are texts."""
    if isinstance(field.spec, Curve):
        return "[number, number][]"
    options = field.spec.options if isinstance(field.spec, Choice) else ()
    return NAMES[field.kind] if callable(options) or not options else " | ".join(map(quoted, options))


def quoted(word: str) -> str:
    return f'"{word}"'


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
