"""Searches of the gallery under names: the words, and the facets that narrow them."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import BadRequest, Sentence
from pipelines.params import Text
from pipelines.store.gallery.columns import FACETS
from pipelines.store.named_values import NamedValues, Values

TEXT, VALUE = Text(1000), Text(4000)
MOST_VALUES = 50
"""Of a facet, of which one must hold."""


def searches(folder: Path) -> NamedValues:
    return NamedValues(folder, Sentence("search"), checked)


def checked(values: Mapping[str, object]) -> Values:
    """{"text": words, "facets": {facet: values, one of which must hold}}. Raises BadRequest."""
    if unknown := set(values) - {"text", "facets"}:
        raise BadRequest("unknown field {name!r}; known are {known}.", name=min(unknown)[:40], known="facets, text")
    text, facets = str(TEXT.check("text", values.get("text", ""), str)), values.get("facets", {})
    if not isinstance(facets, dict):
        raise BadRequest("facets must name lists of values; got {got}.", got=str(facets)[:40])
    narrowed = {name: _texts(name, chosen) for name, chosen in facets.items()}
    narrowed = {name: chosen for name, chosen in narrowed.items() if chosen}
    if not text.strip() and not narrowed:
        raise BadRequest("this search asks for nothing. Type words or choose a filter first.")
    return {"text": text, "facets": narrowed}


def _texts(facet: str, chosen: object) -> list[str]:
    if facet not in FACETS:
        known = ", ".join(sorted(FACETS))
        raise BadRequest("unknown field {name!r}; known are {known}.", name=facet[:40], known=known)
    if not isinstance(chosen, list) or len(chosen) > MOST_VALUES:
        raise BadRequest("{name} must be a list of at most {most} texts.", name=facet, most=MOST_VALUES)
    return list(dict.fromkeys(str(VALUE.check(facet, value, str)) for value in chosen))
