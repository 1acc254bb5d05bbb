"""Places on the page that our own scripts fill: live view, queue, results, and the bridge between them and Python."""

import time
from typing import Any

import gradio as gr

from aigc_ui import page_files

FAST: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
"""For handlers that only ask the engine for something and come back at once."""


def call(name: str, parameters: str = "", arguments: str = "") -> str:
    """JavaScript for Gradio's `js=`: a function with these parameters that calls an export of the page's `main.js`."""
    return f"async ({parameters}) => {{ (await {page_files.entry()}).{name}({arguments}); }}"


def mount(name: str, **look: Any) -> gr.HTML:
    """An empty element with the id `name`, filled by the script that `main.js` has for that place."""
    return gr.HTML(
        elem_id=name,
        html_template="<div></div>",
        js_on_load=f"{page_files.entry()}.then((studio) => studio.mount('{name}', element));",
        apply_default_css=False,
        **look,
    )


def bridge() -> gr.HTML:
    """The one wire between Python and the scripts.

    Python sets its value (`{"job": id}`, `{"error": {...}}`, `{"notice": text}`); the scripts send the events
    'hello' (the page stands), 'settings' (values to bring into the controls), 'branch' (a step to go on from),
    'turn' (a running job to go on from),
    'language' and 'room' (a tab to open).
    """
    return gr.HTML(
        elem_id="bridge",
        label=gr.I18n()("language.name"),  # by which the scripts know the language that Gradio has chosen
        html_template="<div></div>",
        js_on_load=f"const studio = {page_files.entry()}; "
        "const events = ['hello', 'settings', 'branch', 'turn', 'language', 'room']; "
        "studio.then(({ connect }) => connect(trigger, () => props.label)); "
        "watch('value', () => { const { value } = props; studio.then(({ receive }) => receive(value)); });",
        apply_default_css=False,
    )


def signal(**content: Any) -> dict[str, Any]:
    """A value for the bridge; the stamp makes it new even when the same thing is said twice."""
    return {"at": time.time_ns(), **content}


def css() -> str:
    return (page_files.STATIC / "studio.css").read_text(encoding="utf-8")
