"""Places on the page that our own scripts fill: live view, queue, results, and the bridge between them and Python."""

import json
import time
from pathlib import Path
from typing import Any

import gradio as gr

from aigc_ui import words

STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "core.js",
    "message.js",
    "mending.js",
    "estimate.js",
    "suited.js",
    "player.js",
    "film.js",
    "live.js",
    "mask.js",
    "mask_editor.js",
    "mask_view.js",
    "outpaint.js",
    "start.js",
    "addons.js",
    "sketch.js",
    "prompt.js",
    "enlarge.js",
    "queue.js",
    "classroom.js",
    "results.js",
    "metadata.js",
    "plot.js",
    "lab.js",
    "lab_curve.js",
    "guidance_curve.js",
    "lab_picture.js",
    "lab_noised.js",
    "lab_schedule.js",
    "lab_reverse.js",
    "follow.js",
    "lab_training_bound.js",
    "lab_training.js",
    "lab_plane.js",
    "lab_points.js",
    "lab_digits.js",
    "lab_bound.js",
    "family.js",
    "family_race.js",
    "family_manifold.js",
    "family_latents.js",
    "family_round_trip.js",
    "family_judge.js",
    "family_training.js",
    "family_own.js",
    "family_own_picture.js",
    "lab_lessons.js",
    "library.js",
    "studio.js",
)

FAST: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
"""For handlers that only ask the engine for something and come back at once."""


def mount(name: str, **look: Any) -> gr.HTML:
    """An empty element with the id `name`, filled by `aigc.mounts.<name>` of the scripts."""
    return gr.HTML(
        elem_id=name,
        html_template="<div></div>",
        js_on_load=f"aigc.mounts['{name}'](element);",
        apply_default_css=False,
        **look,
    )


def bridge() -> gr.HTML:
    """The one wire between Python and the scripts.

    Python sets its value (`{"job": id}`, `{"error": {...}}`, `{"notice": text}`); the scripts send the events
    'hello' (the page stands), 'settings' (values to bring into the controls) and 'language'.
    """
    return gr.HTML(
        elem_id="bridge",
        html_template="<div></div>",
        js_on_load="aigc.connect({trigger, events: ['hello', 'settings', 'language']}); "
        "watch('value', () => aigc.receive(props.value));",
        apply_default_css=False,
    )


def signal(**content: Any) -> dict[str, Any]:
    """A value for the bridge; the stamp makes it new even when the same thing is said twice."""
    return {"at": time.time_ns(), **content}


def head() -> str:
    """The scripts and their words, for the head of the page; read from files so that nothing is fetched from afar."""
    table = json.dumps(words.table(), ensure_ascii=False).replace("<", "\\u003c")
    code = [f"window.aigcWords = {table};", *((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)]
    return "\n".join(f"<script>\n{part}\n</script>" for part in code)


def css() -> str:
    return (STATIC / "studio.css").read_text(encoding="utf-8")
