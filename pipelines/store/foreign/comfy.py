"""ComfyUI: the graph that made the picture, under "prompt"; from its sampler the links lead to everything else.

A stranger's graph may be cyclic or endless: every walk remembers where it was and looks at no more than MOST_NODES.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.store.foreign.found import ForeignSettings
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.names import model_name, named

MOST_NODES = 1000
MOST_SAMPLERS = 20
MOST_TEXTS = 20
FARTHEST_VALUE = 10  # nodes that a number or a text is looked for in
_VALUES = ("value", "seed", "noise_seed", "text", "string", "int", "float", "number", "Text", "Number")
_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value")
_PARTS = ("noise", "guider", "sampler", "sigmas")  # of SamplerCustom and SamplerCustomAdvanced
Node = Mapping[str, Any]


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    nodes = json_object(texts.get("prompt"))
    if nodes is None:
        return None
    graph = _Graph({str(name): node for name, node in nodes.items() if _is_node(node)})
    samplers = [node for node in graph.nodes.values() if _samples(node)][:MOST_SAMPLERS]
    if not samplers:
        return ForeignSettings("ComfyUI", {}, {"nodes": ", ".join(graph.kinds())}) if graph.nodes else None
    first = next((node for node in samplers if graph.size(node)), samplers[0])
    values, other = _read(graph, first)
    more = [node["class_type"] for node in samplers if node is not first]
    if more:
        other["further passes"] = ", ".join(more[:20])
    return ForeignSettings("ComfyUI", values, other)


class _Graph:
    """Nodes by their id; an input is a value or a link [id, output]."""

    def __init__(self, nodes: Mapping[str, Node]):
        self.nodes = nodes

    def kinds(self) -> list[str]:
        return sorted({str(node["class_type"]) for node in self.nodes.values()})[:40]

    def target(self, value: object) -> Node | None:
        """The node that a link leads to."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
            return self.nodes.get(str(value[0]))
        return None

    def upstream(self, start: object, follow: Callable[[str], bool], most: int = MOST_NODES) -> Iterator[Node]:
        """The nodes that a link reaches through inputs whose name `follow` accepts, the nearest first, `most` of them.

        A cycle ends where it began.
        """
        seen: set[int] = set()
        queue = [self.target(start)]
        for node in queue:  # grows while it is walked
            if node is None or id(node) in seen:
                continue
            if len(seen) == most:
                return
            seen.add(id(node))
            yield node
            queue += [self.target(value) for name, value in node["inputs"].items() if follow(name)]

    def value(self, value: object) -> Any:
        """A number or text, or the one that a node of its own holds at the other end of a link."""
        for node in self.upstream(value, _VALUES.__contains__, FARTHEST_VALUE):
            for name in _VALUES:
                if isinstance(node["inputs"].get(name), str | int | float):
                    return node["inputs"][name]
        return value if isinstance(value, str | int | float) else None

    def size(self, sampler: Node) -> dict[str, Any]:
        """Width and height of the empty latent that the sampler starts from; empty where it starts from a picture."""
        links = sampler["inputs"]
        start = links.get("latent_image", links.get("latent"))
        for node in self.upstream(start, lambda name: name in ("samples", "latent", "latent_image", "any")):
            if "width" in node["inputs"] and "samples" not in node["inputs"]:
                sizes = {name: self.value(node["inputs"].get(name)) for name in ("width", "height", "batch_size")}
                return {name: value for name, value in sizes.items() if value is not None}
            if _samples(node):
                return {}
        return {}

    def text(self, link: object, side: str) -> str:
        """All texts that a conditioning is made of. A ControlNet has both sides as inputs: only `side` is followed."""
        sides = {"positive", "negative"} - {side}
        found: list[str] = []
        for node in self.upstream(link, lambda name: name not in {*sides, "clip", "model", "vae", "image", *_TEXTS}):
            texts = [self.value(node["inputs"][name]) for name in _TEXTS if name in node["inputs"]]
            found += [text for text in texts if isinstance(text, str) and text and text not in found]
            if len(found) >= MOST_TEXTS:
                break
        return ", ".join(found)


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _samples(node: Node) -> bool:
    kind = node["class_type"]
    return kind.startswith(("KSampler", "SamplerCustom")) and kind != "KSamplerSelect"


def _read(graph: _Graph, sampler: Node) -> tuple[dict[str, Any], dict[str, Any]]:
    inputs = _gathered(graph, sampler)
    fields, other = named(graph.value(inputs.get("sampler_name")), graph.value(inputs.get("scheduler")))
    size = graph.size(sampler)
    said = {
        "prompt": graph.text(inputs.get("positive", inputs.get("conditioning")), "positive"),
        "negative_prompt": graph.text(inputs.get("negative"), "negative"),
        "num_inference_steps": graph.value(inputs.get("steps")),
        "guidance_scale": graph.value(inputs.get("cfg")),
        "seed": graph.value(inputs.get("seed", inputs.get("noise_seed"))),
        "width": size.get("width"),
        "height": size.get("height"),
        "count": size.get("batch_size"),
        "model": _model(graph, inputs, other),
    }
    denoise = graph.value(inputs.get("denoise"))
    if not size and isinstance(denoise, int | float) and denoise < 1:
        said["strength"] = denoise
    return {name: value for name, value in said.items() if value not in (None, "")} | fields, other


def _gathered(graph: _Graph, sampler: Node) -> dict[str, Any]:
    """A sampler's inputs, with those of the guider, noise, sigmas and so on that SamplerCustom has as nodes."""
    inputs = dict(sampler["inputs"])
    for part in _PARTS:
        for node in graph.upstream(inputs.get(part), _PARTS.__contains__):
            inputs |= {name: value for name, value in node["inputs"].items() if name not in inputs}
    return inputs


def _model(graph: _Graph, inputs: Mapping[str, Any], other: dict[str, Any]) -> str | None:
    """The checkpoint at the end of the model's links; what lies on the way is noted in `other`."""
    for node in graph.upstream(inputs.get("model"), lambda name: name == "model"):
        values = node["inputs"]
        for name in ("ckpt_name", "unet_name", "model_path", "model_name"):
            if isinstance(values.get(name), str):
                return model_name(values[name])
        if isinstance(values.get("lora_name"), str):
            other[f"LoRA {model_name(values['lora_name'])}"] = values.get("strength_model", 1)
    return None
