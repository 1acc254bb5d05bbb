"""How a component of ours is drawn by a script, and how its value is checked."""

import json
from typing import Any

import gradio as gr

from aigc_ui import page_files
from pipelines.errors import BadRequest
from pipelines.params import Spec


def by_script(kind: str, **facts: str) -> dict[str, Any]:
    """What `gr.HTML` takes so that the script of this kind in `static/main.js` draws in its element.

    The script gets `facts`, the element, `props` (whose `value` it reads and sets) and `watch`, by which it hears of a
    value that Python sets.
    """
    component = f"{{ ...{json.dumps(facts)}, element, props, watch: (heard) => watch('value', heard) }}"
    return {
        "html_template": "<div></div>",
        "js_on_load": f"{page_files.entry()}.then((studio) => studio.draw('{kind}', {component}));",
        "apply_default_css": False,
    }


def checked(spec: Spec, field: str, value: object, kind: type) -> Any:
    """The value as the request's own field takes it. Raises gr.Error with the sentence that the field has for it."""
    try:
        return spec.check(field, value, kind)
    except BadRequest as error:
        raise gr.Error(str(error), print_exception=False) from None
