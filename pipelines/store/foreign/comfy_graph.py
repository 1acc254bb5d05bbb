"""A graph of ComfyUI's nodes, and what its links lead to.

A stranger's graph may be cyclic or endless: every walk remembers where it was and looks at no more than MOST_NODES.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_NODES = 1000
MOST_TEXTS = 20
FARTHEST_VALUE = 10  # nodes that a number or a text is looked for in
DEEPEST_TEXT = 12  # nodes that join texts, one behind the other
LONGEST_TEXT = 20_000  # characters
ZERO_OUT = "ConditioningZeroOut"  # in place of a prompt: not even the words of the empty one
_VALUES = ("value", "seed", "noise_seed", "text", "string", "int", "float", "number", "Text", "Number")
_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value")
_WORDS = re.compile(r"(?:text|string|prompt|str|value|populated_text|positive|negative)[ _]?(?:[a-h]|\d{1,2})?", re.I)
_DELIMITERS = ("delimiter", "separator", "sep")
_OF_EMPTY_LATENTS = {"width": "width", "height": "height", "batch_size": "count"}
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes by their id; an input is a value or a link [id, output]."""

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, nodes: Mapping[str, Any]) -> "Graph":
        """Those of the values that are nodes."""
        return cls({str(name): node for name, node in nodes.items() if _is_node(node)})

    def kinds(self) -> list[str]:
        return sorted({str(node["class_type"]) for node in self.nodes.values()})[:40]

    def samplers(self) -> list[Node]:
        return [node for node in self.nodes.values() if _samples(node)]

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
        """`width`, `height` and `count` of the empty latent that the sampler starts from; empty where it starts from
        a picture."""
        links = sampler["inputs"]
        start = links.get("latent_image", links.get("latent"))
        for node in self.upstream(start, ("samples", "latent", "latent_image", "any").__contains__):
            inputs = node["inputs"]
            prefix = "empty_latent_" if "empty_latent_width" in inputs else ""
            if prefix + "width" in inputs and "samples" not in inputs:
                names = {ours: inputs.get(prefix + name, inputs.get(name)) for name, ours in _OF_EMPTY_LATENTS.items()}
                sizes = {ours: self.value(value) for ours, value in names.items()}
                return {ours: value for ours, value in sizes.items() if value is not None}
            if _samples(node):
                return {}
        return {}

    def conditioning(self, link: object, side: str) -> Iterator[Node]:
        """The nodes that a conditioning is made of. A ControlNet has both sides as inputs: only `side` is followed;
        what is behind a ConditioningZeroOut does not count."""
        elsewhere = {"positive", "negative", "clip", "model", "vae", "image", *_TEXTS} - {side}
        zeroed = {id(node) for node in self._zeroed(link, elsewhere)}
        yield from (node for node in self.upstream(link, lambda name: name not in elsewhere) if id(node) not in zeroed)

    def _zeroed(self, link: object, elsewhere: set[str]) -> Iterator[Node]:
        for node in self.upstream(link, lambda name: name not in elsewhere):
            if node["class_type"] == ZERO_OUT:
                yield from self.upstream(node["inputs"].get("conditioning"), lambda name: name not in elsewhere)

    def text(self, link: object, side: str) -> str:
        """All texts that a conditioning is made of."""
        texts: list[str] = []
        known: dict[int, str] = {}
        for node in self.conditioning(link, side):
            inputs = node["inputs"]
            words = [self.words(inputs[name], known=known) for name in (side, *_TEXTS) if name in inputs]
            texts += [text for text in words if text and text not in texts]
            if len(texts) >= MOST_TEXTS:
                break
        return ", ".join(texts)

    def words(self, value: object, depth: int = 0, known: dict[int, str] | None = None) -> str:
        """A text, or what the nodes behind a link make of theirs: several in one node are joined by its delimiter.

        `known`: what nodes that were met before say; nothing while that is still looked for.
        """
        if isinstance(value, str):
            return value[:LONGEST_TEXT]
        node, known = self.target(value), {} if known is None else known
        if node is None or depth == DEEPEST_TEXT:
            return ""
        if id(node) not in known:
            known[id(node)] = ""
            known[id(node)] = self._joined(node, depth, known)
        return known[id(node)]

    def _joined(self, node: Node, depth: int, known: dict[int, str]) -> str:
        inputs = node["inputs"]
        names = [name for name in inputs if _WORDS.fullmatch(name) and name not in _DELIMITERS]
        if "populated_text" in names:  # what a node of wildcards chose
            names = ["populated_text"]
        links = [name for name in names if not isinstance(inputs[name], str)]
        if node["class_type"].startswith("Show") and links:  # it repeats what it was given
            names = links[:1]
        texts = [self.words(inputs[name], depth + 1, known) for name in names[:MOST_TEXTS]]
        delimiter = next((inputs[name] for name in _DELIMITERS if isinstance(inputs.get(name), str)), ", ")
        return delimiter[:20].replace("\\n", "\n").join(filter(None, texts))[:LONGEST_TEXT]


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _samples(node: Node) -> bool:
    kind = node["class_type"]
    return kind.startswith(("KSampler", "SamplerCustom")) and kind != "KSamplerSelect"
