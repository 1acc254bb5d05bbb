"""ComfyUI's other form of a graph, the one its page saves: nodes in a list, links in a table, values without names."""

from collections.abc import Iterator, Mapping
from typing import Any

MOST_NODES = 1000
_AFTER_A_SEED = ("fixed", "increment", "decrement", "randomize")  # a box of the page that is no input
_WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "start_at_step", "end_at_step",
        "return_with_leftover_noise",
    ),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "VAELoader": ("vae_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "FluxGuidance": ("guidance",),
    "CFGGuider": ("cfg",),
    "PrimitiveNode": ("value",),
}  # fmt: skip
"""Of what older pages saved, which did not name them."""
_BYPASSED = 4
_OFF = (2, _BYPASSED)  # 2: muted
_THROUGH = ("Reroute", "Reroute (rgthree)")


def is_one(graph: Mapping[str, Any]) -> bool:
    return isinstance(graph.get("nodes"), list) and isinstance(graph.get("links"), list)


def nodes(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The same graph as ComfyUI's server is given it, without muted and bypassed nodes and reroutes."""
    listed = [node for node in workflow["nodes"][:MOST_NODES] if isinstance(node, dict)]
    sources = dict(_links(workflow["links"][: 20 * MOST_NODES]))
    through = {
        str(node.get("id")): [sources[link] for slot in _slots(node) if (link := str(slot.get("link"))) in sources]
        for node in listed
        if node.get("type") in _THROUGH or node.get("mode") == _BYPASSED
    }
    return {
        str(node.get("id")): {"class_type": str(node.get("type")), "inputs": _inputs(node, sources, through)}
        for node in listed
        if node.get("mode") not in _OFF and node.get("type") not in _THROUGH
    }


def _links(table: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """(id of the link, [node, output]); in a table of rows, or of objects as newer pages write them."""
    for row in table:
        if isinstance(row, list) and len(row) >= 3:
            yield str(row[0]), [str(row[1]), row[2]]
        elif isinstance(row, dict):
            yield str(row.get("id")), [str(row.get("origin_id")), row.get("origin_slot")]


def _inputs(
    node: Mapping[str, Any], sources: Mapping[str, list[Any]], through: Mapping[str, list[list[Any]]]
) -> dict[str, Any]:
    linked = {str(slot.get("name")): _passed(sources.get(str(slot.get("link"))), through) for slot in _slots(node)}
    return dict(_values(node)) | {name: source for name, source in linked.items() if source is not None}


def _passed(source: list[Any] | None, through: Mapping[str, list[list[Any]]]) -> list[Any] | None:
    """Where a link comes from: each output of a node that is passed through is its input at the same place."""
    for _ in range(MOST_NODES):
        if source is None or source[0] not in through:
            return source
        behind = through[source[0]]
        at = source[1] if isinstance(source[1], int) and 0 <= source[1] < len(behind) else 0
        source = behind[at] if behind else None
    return None


def _values(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    values = node.get("widgets_values")
    if isinstance(values, dict):
        yield from ((str(name), value) for name, value in values.items())
        return
    left = [value for value in values if value not in _AFTER_A_SEED] if isinstance(values, list) else []
    named = [slot["widget"].get("name") for slot in _slots(node) if isinstance(slot.get("widget"), dict)]
    # older pages named only those that something is linked to
    names = _WIDGETS.get(str(node.get("type"))) or (named if len(named) == len(left) else ())
    yield from zip(map(str, names), left, strict=False)


def _slots(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    slots = node.get("inputs")
    return [slot for slot in slots if isinstance(slot, dict)] if isinstance(slots, list) else []
