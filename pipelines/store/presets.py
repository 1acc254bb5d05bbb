"""Settings of pictures under names, checked as a request checks them."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import BadRequest, Sentence
from pipelines.params import Request, exact
from pipelines.store.named_values import NamedValues, Values


def presets(folder: Path, request_type: type[Request]) -> NamedValues:
    """Of requests of one type."""
    fields = {field.name: field for field in request_type.fields()}

    def check(values: Mapping[str, object]) -> Values:
        for name in values:
            if name not in fields:
                raise BadRequest("unknown setting {name!r}.", name=str(name)[:40])
        return {name: exact(fields[name].spec.check(name, value, fields[name].kind)) for name, value in values.items()}

    return NamedValues(folder, Sentence("preset"), check)
