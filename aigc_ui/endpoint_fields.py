"""A named endpoint takes a request's fields: Gradio reads names, types and defaults off the function."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from pipelines.errors import StudioError
from pipelines.params import Curve, Request


def describe(endpoint: Callable[..., Any], request_type: type[Request], returns: Any) -> None:
    """Gives `endpoint`, called with the visitor's request and the fields' values, one keyword argument a field."""
    fields = request_type.fields()
    # A curve goes as text: Gradio's description of its API knows no tuples.
    defaults = [(f, Curve.text(f.default) if isinstance(f.spec, Curve) else f.default) for f in fields]
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter("request", keyword, annotation=gr.Request),
        *(inspect.Parameter(f.name, keyword, default=default, annotation=type(default)) for f, default in defaults),
    ]
    endpoint.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    endpoint.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returns}
    endpoint.__doc__ = (request_type.__doc__ or "") + "\n" + "\n".join(f"{f.name}: {f.help}" for f in fields)


def by_name(request_type: type[Request], values: Sequence[Any]) -> dict[str, Any]:
    """What Gradio gives by place, by the fields' names."""
    return {field.name: value for field, value in zip(request_type.fields(), values, strict=True)}


def error_of(error: StudioError) -> gr.Error:
    """The same words in the form that Gradio passes on to a client."""
    return gr.Error(str(error), print_exception=False)
