"""YAML from strangers: how much it becomes, aliases written out, is known before anything is made of it.

A few hundred bytes of aliases that name one another become gigabytes, so nodes are counted as often as they are named.
"""

from __future__ import annotations

from typing import Any

from pipelines.errors import BadRequest

MOST_BYTES = 2**18
MOST_NODES = 5000
MOST_DEPTH = 20
LONGEST_NUMBER = 100  # characters; 1:59:59:... is one number to YAML, of as many digits as it likes


def loads(text: str, label: str) -> Any:
    """The value in `text`, of plain data only. Raises BadRequest for what is too much or no YAML."""
    import yaml

    if len(text) > MOST_BYTES:
        raise BadRequest("{label} is longer than {most} characters. Take a smaller file.", label=label, most=MOST_BYTES)
    try:
        _check_events(yaml, text, label)
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        if _size(root, {}) > MOST_NODES:
            raise _too_much(label)
        return loader.construct_document(root)
    except (yaml.YAMLError, ValueError):  # ValueError: a number too long, a date like 2001-99-99
        raise BadRequest("{label} is not valid YAML. Correct it, or take another file.", label=label) from None


def _check_events(yaml: Any, text: str, label: str) -> None:
    """The number of nodes as written, and how deep they lie: reading on costs more than that in square."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if number > 2 * MOST_NODES or depth > MOST_DEPTH:
            raise _too_much(label)


def _size(node: Any, sizes: dict[int, float]) -> float:
    """Nodes in it, aliases written out; infinite where it holds itself."""
    if id(node) not in sizes:
        sizes[id(node)] = float("inf")
        if node.tag.endswith((":int", ":float")) and len(node.value) > LONGEST_NUMBER:
            raise ValueError("a number of thousands of digits")
        inner = node.value if isinstance(node.value, list) else []
        children = [child for one in inner for child in (one if isinstance(one, tuple) else (one,))]
        sizes[id(node)] = 1 + sum(_size(child, sizes) for child in children)
    return sizes[id(node)]


def _too_much(label: str) -> BadRequest:
    return BadRequest(
        "{label} holds more than {most} values, aliases counted as often as they are named, or more than "
        "{most_depth} levels. Shorten it.",
        label=label,
        most=MOST_NODES,
        most_depth=MOST_DEPTH,
    )
