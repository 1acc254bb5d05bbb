"""The LoRAs of ComfyUI's nodes: loaders of one, stacks with numbered inputs, and rows as rgthree's loader has them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.store.foreign.comfy_graph import Graph, Node

_WEIGHTS = ("strength_model", "lora_model_strength", "lora_strength", "strength")
_NUMBERED = re.compile(r"lora(?:_name)?_(\d{1,2})")
_NUMBERED_WEIGHTS = ("lora_wt_{}", "model_str_{}", "model_weight_{}", "lora_{}_strength", "lora_{}_model_strength")
_LINKS = ("model", "lora_stack", "optional_lora_stack")


def between(graph: Graph, model: object) -> Iterator[tuple[str, float]]:
    """File and weight of every LoRA between the checkpoint and the model's link, from the checkpoint on."""
    for node in reversed(list(graph.upstream(model, _LINKS.__contains__))):
        yield from _loras(graph, node)


def _loras(graph: Graph, node: Node) -> Iterator[tuple[str, float]]:
    inputs = node["inputs"]
    yield from _one(graph, inputs, inputs.get("lora_name"), _WEIGHTS)
    count = graph.value(inputs.get("lora_count", inputs.get("num_loras")))
    for name, value in inputs.items():
        row = _NUMBERED.fullmatch(name)
        if row is None or isinstance(count, int) and int(row[1]) > count or inputs.get(f"switch_{row[1]}") == "Off":
            continue
        if isinstance(value, dict):
            if value.get("on", True) is not False:
                yield from _one(graph, value, value.get("lora"), _WEIGHTS)
        else:
            yield from _one(graph, inputs, value, [weight.format(row[1]) for weight in _NUMBERED_WEIGHTS])


def _one(graph: Graph, inputs: Mapping[str, Any], name: object, weights: Any) -> Iterator[tuple[str, float]]:
    if not isinstance(name, str) or name in ("", "None"):
        return
    values = (graph.value(inputs.get(weight)) for weight in weights)
    yield name, next((value for value in values if isinstance(value, int | float)), 1.0)
