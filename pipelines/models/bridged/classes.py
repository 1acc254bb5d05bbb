"""What a pipeline class of diffusers is made of and can be told, as its source says it: nothing is imported for that.

So a folder can be looked over before any library is loaded, and a class that diffusers does not have is never asked
for.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile, Sentence

REQUIRED: Any = ...
"""The default of a parameter that has none."""
PICTURES = frozenset(
    "image images control_image mask_image conditioning_image reference_image source_image control_mask "
    "adapter_image img_path".split()
)
VIDEO = frozenset("video videos num_frames frames video_length num_videos_per_prompt control_video".split())
SOUND = frozenset("audio audio_length_in_s audio_end_in_s audio_duration num_waveforms_per_prompt".split())
NEEDED = ("prompt", "num_inference_steps", "height", "width", "generator", "output_type")
"""What a call must take to be a painter from words."""
NO_PAINTERS = ("Prior", "Onnx", "Flax", "Control", "3D")
"""In the names of pipelines that give no picture, run without torch, or follow a picture."""
CALL, PARTS = "__call__", "__init__"
Default = Any


@dataclass(frozen=True)
class PipelineClass:
    """`call` and `parts`: the parameters of its call and the components it is made of, each with its default;
    `interruptible`: its loop can be told to go on without the network."""

    name: str
    call: Mapping[str, Default]
    parts: Mapping[str, Default]
    interruptible: bool

    def takes(self, name: str) -> bool:
        return name in self.call


def text_to_image(name: str) -> PipelineClass:
    """The pipeline of that name. Raises BadFile with what it is instead and what would do."""
    found = pipeline(name)
    if found is None:
        raise BadFile(
            "the model is a {name}, which is not supported: diffusers has no pipeline of that name, and code "
            "of a model's own is never run. Choose a text-to-image pipeline of diffusers, such as "
            "SanaPipeline.",
            name=name[:60],
        )
    if other := _instead(found):
        raise BadFile(
            "the model is a {name}, which {other}; supported are pipelines of diffusers that make pictures "
            "from words, such as SanaPipeline. Choose another model.",
            name=name[:60],
            other=other,
        )
    return found


def _instead(found: PipelineClass) -> Sentence:
    """What it does instead of painting from words, or ""."""
    missing = [name for name in NEEDED if name not in found.call]
    for names, what in ((SOUND, Sentence("makes sound")), (VIDEO, Sentence("makes or reads videos"))):
        if names & set(found.call):
            return what
    if any(word in found.name for word in NO_PAINTERS):
        return Sentence("is no painter from words alone")
    asked = PICTURES & set(found.call)
    if asked and (found.name not in _named_by_diffusers() or any(found.call[name] is REQUIRED for name in asked)):
        return Sentence("needs a picture to start from")
    if missing:
        return Sentence("takes no {name}", name=missing[0])
    if "scheduler" not in found.parts:
        return Sentence("has no scheduler, so that its steps cannot be followed")
    more = [name for name, default in found.call.items() if default is REQUIRED and name != "prompt"]
    return Sentence("needs {name} besides a prompt", name=more[0][:40]) if more else Sentence("")


@functools.lru_cache(maxsize=64)
def pipeline(name: str) -> PipelineClass | None:
    """The pipeline class of diffusers of that name, None where it has none."""
    place = _places("pipelines").get(name)
    if place is None or not name.endswith("Pipeline"):
        return None
    call = parts = None
    interruptible = False
    for node in _lineage(name):
        methods = {method.name: method for method in node.body if isinstance(method, ast.FunctionDef)}
        call = call or methods.get(CALL)
        parts = parts or methods.get(PARTS)
        interruptible |= "interrupt" in methods
    if call is None or parts is None:
        return None
    return PipelineClass(name, _parameters(call), _parameters(parts), interruptible)


def is_in_diffusers(name: str, library: str) -> bool:
    """Whether diffusers, or that folder of its pipelines, defines a class of that name."""
    if library == "diffusers":
        return any(name in _places(kind) for kind in ("models", "schedulers", "pipelines"))
    place = _places("pipelines").get(name)
    return place is not None and library in place.relative_to(_root() / "pipelines").parts


def _lineage(name: str) -> Iterator[ast.ClassDef]:
    """The class, then those it inherits from, as far as they are pipelines."""
    left, seen = [name], set()
    while left:
        name = left.pop(0)
        place = _places("pipelines").get(name)
        if place is None or name in seen or name == "DiffusionPipeline":
            continue
        seen.add(name)
        node = next(
            n for n in ast.parse(place.read_text("utf-8")).body if isinstance(n, ast.ClassDef) and n.name == name
        )
        yield node
        left += [base.id for base in node.bases if isinstance(base, ast.Name)]


def _parameters(method: ast.FunctionDef) -> dict[str, Default]:
    """In order, without self; defaults that are no plain values are None."""
    args = [*method.args.posonlyargs, *method.args.args][1:]
    defaults: list[ast.expr | None] = [None] * (len(args) - len(method.args.defaults)) + list(method.args.defaults)
    named = [*zip(args, defaults[-len(args) :] if args else [], strict=True)]
    named += zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
    return {arg.arg: REQUIRED if default is None else _value(default) for arg, default in named}


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


@functools.cache
def _root() -> Path:
    spec = importlib.util.find_spec("diffusers")  # of a top package: finds it without running it
    if spec is None or not spec.submodule_search_locations:
        raise BadFile("diffusers is not installed, so its pipelines cannot run. Install the requirements again.")
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def _places(kind: str) -> Mapping[str, Path]:
    """The file of each class below diffusers/{kind}."""
    found: dict[str, Path] = {}
    for path in sorted((_root() / kind).rglob("*.py")):
        for name in re.findall(r"^class (\w+)\b", path.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name, path)
    return found


@functools.cache
def _named_by_diffusers() -> frozenset[str]:
    """Those that diffusers itself takes for text to image; some of them may be given a picture too."""
    source = (_root() / "pipelines" / "auto_pipeline.py").read_text("utf-8")
    table = re.search(r"AUTO_TEXT2IMAGE_PIPELINES_MAPPING = OrderedDict\((.*?)\n\)", source, re.DOTALL)
    return frozenset(re.findall(r'\("[\w.-]+", (\w+)\)', table[1])) if table else frozenset()
