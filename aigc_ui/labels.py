"""Which words stand on which component, so that a change of language can say them again without a reload."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from aigc_ui import words


class Labels:
    """Builds components with words from the table and remembers them.

    labels.add(gr.Button, "value", "generate", variant="primary")
    """

    def __init__(self) -> None:
        self._said: list[tuple[Any, str, str]] = []
        self._others: list[Callable[[str], dict[Any, Any]]] = []
        self._say = gr.I18n()

    def add(self, build: Callable[..., Any], attribute: str, key: str, **look: Any) -> Any:
        component = build(**{attribute: self._say(key)}, **look)
        self._said.append((component, attribute, key))
        return component

    def also(self, relabel: Callable[[str], dict[Any, Any]]) -> None:
        """Others that know their own words: from a language to updates by component."""
        self._others.append(relabel)

    def relabel(self, language: str) -> dict[Any, Any]:
        """Updates that put everything into `language`."""
        updates: dict[Any, Any] = {}
        for part, attribute, key in self._said:
            shown: dict[str, Any] = {attribute: words.text(key, language)}
            updates[part] = gr.update(**shown)
        for relabel in self._others:
            updates |= relabel(language)
        return updates
