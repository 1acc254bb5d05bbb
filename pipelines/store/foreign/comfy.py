"""ComfyUI: the graph that made the picture, under "prompt"; from its sampler the links lead to everything else."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.requests.names import file_stem
from pipelines.store.foreign import comfy_loras, comfy_workflow
from pipelines.store.foreign.comfy_graph import ZERO_OUT, Graph, Node
from pipelines.store.foreign.found import ForeignSettings
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.loras import tagged
from pipelines.store.foreign.names import named_by_comfyui

MOST_SAMPLERS = 20
_PARTS = ("noise", "guider", "sampler", "sigmas")  # of SamplerCustom and SamplerCustomAdvanced
_MODELS = ("ckpt_name", "unet_name", "model_path", "model_name")


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    nodes = json_object(texts.get("prompt"))
    workflow = json_object(texts.get("workflow")) if nodes is None else nodes
    if workflow is None:
        return None
    graph = Graph.of(comfy_workflow.nodes(workflow) if comfy_workflow.is_one(workflow) else nodes or {})
    samplers = graph.samplers()[:MOST_SAMPLERS]
    if not samplers:
        return ForeignSettings("ComfyUI", {}, {"nodes": ", ".join(graph.kinds())}) if graph.nodes else None
    first = next((node for node in samplers if graph.size(node)), samplers[0])
    values, other = _read(graph, first)
    more = [node["class_type"] for node in samplers if node is not first]
    if more:
        other["further passes"] = ", ".join(more[:20])
    return ForeignSettings("ComfyUI", values, other)


def _read(graph: Graph, sampler: Node) -> tuple[dict[str, Any], dict[str, Any]]:
    inputs = _gathered(graph, sampler)
    scheduler = graph.value(inputs.get("scheduler"))
    fields, other = named_by_comfyui(graph.value(inputs.get("sampler_name")), scheduler)
    positive = inputs.get("positive", inputs.get("conditioning"))
    size = graph.size(sampler)
    said = {
        "prompt": graph.text(positive, "positive"),
        "negative_prompt": graph.text(inputs.get("negative"), "negative"),
        "num_inference_steps": graph.value(inputs.get("steps")),
        "guidance_scale": graph.value(inputs.get("cfg")),
        "seed": graph.value(inputs.get("seed", inputs.get("noise_seed"))),
        "model": _model(graph, inputs),
        **size,
    }
    said |= _distilled_guidance(graph, positive, said["guidance_scale"])
    denoise = graph.value(inputs.get("denoise"))
    if not size and isinstance(denoise, int | float) and denoise < 1:
        said["strength"] = denoise
    other |= dict(_unresolved(graph, inputs, said))
    values = {name: value for name, value in said.items() if value not in (None, "")} | fields
    return tagged(values, comfy_loras.between(graph, inputs.get("model"))), other


def _gathered(graph: Graph, sampler: Node) -> dict[str, Any]:
    """A sampler's inputs, with those of the guider, noise, sigmas and so on that SamplerCustom has as nodes."""
    inputs = dict(sampler["inputs"])
    for part in _PARTS:
        for node in graph.upstream(inputs.get(part), _PARTS.__contains__):
            inputs |= {name: value for name, value in node["inputs"].items() if name not in inputs}
    return inputs


def _distilled_guidance(graph: Graph, positive: object, cfg: object) -> dict[str, Any]:
    """The guidance that a network like FLUX's is told; a scale beside it that does something goes before it."""
    told = (graph.value(node["inputs"].get("guidance")) for node in graph.conditioning(positive, "positive"))
    guidance = next((value for value in told if isinstance(value, int | float)), None)
    return {"guidance_scale": guidance} if guidance is not None and cfg in (None, 1) else {}


def _unresolved(graph: Graph, inputs: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the graph says and no field of ours holds."""
    for side in ("positive", "negative"):
        kinds = [node["class_type"] for node in graph.conditioning(inputs.get(side), side)]
        if ZERO_OUT in kinds:
            yield f"{side} conditioning", ZERO_OUT
        elif kinds and side == "positive" and not said["prompt"]:
            yield f"{side} conditioning", ", ".join(kinds[:5])
    if said["model"] is None and graph.target(inputs.get("model")):
        kinds = [node["class_type"] for node in graph.upstream(inputs.get("model"), "model".__eq__)]
        yield "model nodes", ", ".join(kinds[:5])


def _model(graph: Graph, inputs: Mapping[str, Any]) -> str | None:
    """The checkpoint at the end of the model's links."""
    for node in graph.upstream(inputs.get("model"), "model".__eq__):
        for name in _MODELS:
            if isinstance(node["inputs"].get(name), str):
                return file_stem(node["inputs"][name])
    return None
