"""The Create tab: prompt to picture, with every step in view."""

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc_ui import addons, branching, groups, series
from aigc_ui.components.sending import arrived
from aigc_ui.controls import Controls
from aigc_ui.labels import Labels
from aigc_ui.live import FAST, call, mount, signal
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.errors import StudioError
from pipelines.models.addons import files
from pipelines.prompts import library
from pipelines.requests.border import BORDER
from pipelines.requests.text_to_image import GENERATOR

SKETCHED = ("prompt", "model", "seed", "guidance_scale", "prompt_syntax", "style")  # what a sketch follows

WEIGHED = ("model", "width", "height", "vae", "hires_scale", "tile", "image", *BORDER, "loras")
"""What the memory that a picture needs depends on, besides the add-ons that it follows."""
ADVISED = (
    "sampler",
    "num_inference_steps",
    "guidance_scale",
    "guidance_curve",
    "strength",
    "hires_strength",
    "hires_upscaler",
)
"""What else advice on the settings depends on."""
MASKING = (("mask_blur",), ("mask_fill",), "mask.only", ("only_masked",), ("masked_padding",))
COUNTED = ("prompt", "model", "prompt_syntax", "style")  # what the number of tokens follows
LOOKS: dict[str, dict[str, Any]] = {
    "beta_start": {"typed": True},
    "beta_end": {"typed": True},
    "width": {"step": 16},  # slides over what suits every model; finer sizes are typed
    "height": {"step": 16},
}


def build(services: Services, labels: Labels, wire: gr.HTML) -> None:
    """Lay out the tab inside the current Blocks and wire it to the engine and, by `wire`, to the page's scripts."""
    controls = Controls(services.generator(GENERATOR).request_type)
    with gr.Row(elem_id="create"):
        with gr.Column(elem_id="asking", min_width=0):
            with gr.Column(elem_id="settings", min_width=0):
                _prompt(controls, labels)
                _settings(services, controls, labels)
                more = series.build(services, labels)
            with gr.Column(elem_id="bar", min_width=0):
                generate = _bar(controls, labels)
        with gr.Column(elem_id="pictures", min_width=0):
            for name in ("notice", "live", "results", "queue", "classroom"):
                mount(name)
    labels.also(controls.relabel)
    for one in more:
        series.connect(services, one, controls, wire)
    _connect(services, controls, wire, generate, [one.own for one in more])
    branching.connect(services, controls, wire)
    _sketch(controls)
    _suited(controls)
    _tell_scripts(controls, ("width", "height"), call("emit", "width, height", "'size', { width, height }"))
    _tell_scripts(controls, tuple(controls.by_name), _values(controls))
    _tell_scripts(controls, COUNTED, call("countTokens", "...values", "...values"))
    _weight(controls)
    addons.connect(controls)


def _prompt(controls: Controls, labels: Labels) -> None:
    controls.place("prompt", lines=3, max_lines=8, elem_id="prompt")
    mount("unheard")
    mount("tokens")
    mount("examples")
    mount("known-words")
    mount("sketch")
    controls.place("image", role="start", elem_id="start")
    controls.place("mask_image", role="mask", elem_id="mask-image")
    mount("read-settings")
    controls.place("strength", elem_id="strength")
    for name in BORDER:
        controls.place(name, elem_id=name.replace("_", "-"), border=True, elem_classes="by-script")
    if "mask_blur" in controls.left():
        with labels.add(gr.Accordion, "label", "group.mask", open=False, elem_id="group-mask"):
            for row in MASKING:
                _row(controls, labels, row)
    controls.place("negative_prompt", lines=1, max_lines=4, elem_id="negative-prompt")
    controls.place("style", elem_id="style", visible=len(library.style_names()) > 1)


def _bar(controls: Controls, labels: Labels) -> gr.Button:
    """At the foot of the settings, always in sight: what to know before, how many pictures, the buttons."""
    for name in ("estimate", "message", "turn"):
        mount(name)
    with gr.Row(elem_id="actions"):
        controls.place("count", elem_id="count", min_width=0, typed=True, minimum=1, maximum=16, step=1)
        generate = labels.add(gr.Button, "value", "generate", variant="primary", size="lg", elem_id="generate")
        stop = labels.add(gr.Button, "value", "stop", variant="secondary", size="lg", elem_id="stop")
    stop.click(None, js=call("stopJob"))
    return generate


def _settings(services: Services, controls: Controls, labels: Labels) -> None:
    controls.place("model", elem_id="model", filterable=True)  # people have a hundred
    if services.settings.first_model and "model" in controls.by_name:
        controls.by_name["model"].value = services.settings.first_model
    mount("presets")
    with _group(labels, "group.basics", open=True):
        mount("ratios")
        _row(controls, labels, ("width", "height"))
        if "seed" in controls.left():
            _seed(services, controls, labels)
    mount("changed-basics")
    with _group(labels, "group.quality", open=True):
        with gr.Row(elem_classes="pair"):
            controls.place("sampler", elem_id="sampler", min_width=0)
            controls.place("num_inference_steps", elem_id="steps", min_width=0)
        controls.place("guidance_scale", elem_id="guidance")
        if not files.installed(files.UPSCALER):
            controls.place("upscaler", visible=False)  # our own is all there is
        _sections(controls, labels, groups.QUALITY_SECTIONS)
    mount("changed-quality")
    with _group(labels, "group.expert"):
        _sections(controls, labels, groups.EXPERT_SECTIONS)
        if more := _rest(controls):
            with labels.add(gr.Accordion, "label", "group.more", open=False, elem_id="group-more"):
                controls.place(*more)
    mount("changed-expert")
    addons.place(controls, labels)


def _rest(controls: Controls) -> list[str]:
    """What no section names, and neither the bar nor the add-ons: a new field appears by itself."""
    elsewhere = ("loras", *addons.prefixes(controls))
    return [name for name in controls.left() if name != "count" and name.partition("_")[0] not in elsewhere]


def _group(labels: Labels, name: str, open: bool = False) -> gr.Accordion:
    return labels.add(gr.Accordion, "label", name, open=open, elem_id=name.replace(".", "-"), elem_classes="group")


def _sections(controls: Controls, labels: Labels, sections: tuple[groups.Section, ...]) -> None:
    for title, rows in sections:
        if any(name in controls.left() for name in groups.fields_in(rows)):
            with labels.add(gr.Accordion, "label", title, open=False, elem_id=title.replace(".", "-")):
                for row in rows:
                    _row(controls, labels, row)


def _seed(services: Services, controls: Controls, labels: Labels) -> None:
    with gr.Row(elem_id="seed-row", elem_classes="pair"):
        controls.place("seed", elem_id="seed", min_width=0)
        with gr.Column(elem_id="seed-buttons", min_width=0):
            random = labels.add(gr.Button, "value", "seed.random", size="sm", elem_id="seed-random")
            last = labels.add(gr.Button, "value", "seed.last", size="sm", elem_id="seed-last")

    def seed_of_last(request: gr.Request) -> Any:
        jobs = (job for job in services.jobs.list(visitor_of(request).client) if job.generator == GENERATOR)
        mine = sorted(jobs, key=lambda job: job.created)
        return mine[-1].request.json_values()["seed"] if mine else gr.skip()

    seed = controls.by_name["seed"]
    random.click(None, None, seed, js="() => -1")
    last.click(seed_of_last, None, seed, **FAST)


def _row(controls: Controls, labels: Labels, names: groups.Row) -> None:
    if isinstance(names, str) and names.startswith("@"):
        controls.place(names[1:])
    elif isinstance(names, str):
        labels.add(gr.Markdown, "value", names, elem_classes="help")
    else:
        with gr.Row(elem_classes="pair"):
            for name in names:
                controls.place(name, min_width=0, **LOOKS.get(name, {}))


def _connect(services: Services, controls: Controls, wire: gr.HTML, generate: gr.Button, more: list[Controls]) -> None:
    """The handlers: each only asks the engine for something; the browser watches the job over the HTTP API."""

    def submit(values: dict[Component, Any], request: gr.Request) -> dict[str, Any]:
        try:
            parsed = controls.request_type.parse(controls.read(values))
            job = services.submit(GENERATOR, parsed, visitor_of(request))
        except StudioError as error:
            return signal(error=error.to_json())
        return signal(job=job.id, values=controls.read(values))

    def settings(event: gr.EventData) -> dict[Any, Any]:
        values = _mapping(event.values)
        updates, refused = controls.fill(values)
        for other in more:
            updates |= other.fill({name: values[name] for name in other.by_name if name in values})[0]
        refused = tuple(name for name in refused if not any(name in other.by_name for other in more))
        return updates | {wire: signal(settings={"refused": list(refused), "quiet": bool(event.quiet)})}

    sent = arrived(controls.by_name)
    generate.click(submit, controls.inputs(), wire, js=sent, trigger_mode="multiple", **FAST).failure(
        None, js=call("notSent")
    )
    filled = [wire, *controls.inputs(), *(part for other in more for part in other.inputs())]
    wire.settings(settings, None, filled, trigger_mode="multiple", **FAST).then(  # none is dropped meanwhile
        None, list(controls.by_name.values()), None, js=_values(controls)
    )  # what lies in a group that was never opened says nothing of a change itself


def _values(controls: Controls) -> str:
    """JavaScript that tells the page's scripts what all controls hold, by name."""
    by_name = f"Object.fromEntries({json.dumps(list(controls.by_name))}.map((name, i) => [name, values[i]]))"
    return call("emit", "...values", f"'values', {by_name}")


def _sketch(controls: Controls) -> None:
    """Tells the page's scripts, by name, what a sketch follows, whenever somebody changes a part of it."""
    followed: dict[str, Any] = {name: controls.by_name[name] for name in SKETCHED if name in controls.by_name}
    told = call("sketchSoon", "...values", f"{json.dumps(list(followed))}, values")
    for component in followed.values():
        component.input(None, list(followed.values()), js=told)


def _suited(controls: Controls) -> None:
    """Tells the page's scripts of another model, which brings what suits it; one that cannot be used says why."""
    if "model" in controls.by_name and "sampler" in controls.by_name:
        model: Any = controls.by_name["model"]
        told = call("modelChosen", "model, sampler", "model, sampler")
        model.input(None, [model, controls.by_name["sampler"]], js=told)


def _tell_scripts(controls: Controls, names: tuple[str, ...], js: str) -> None:
    """Tells the page's scripts what these controls hold, from the start and with every change."""
    told: list[Any] = [controls.by_name[name] for name in names if name in controls.by_name]
    if len(told) == len(names):
        gr.on(None, None, told, js=js)


def _weight(controls: Controls) -> None:
    """Tells the page's scripts, by name, what decides how much memory the picture needs and whether the settings suit
    the model, from the start."""
    followed = (f"{prefix}_{part}" for prefix in addons.prefixes(controls) for part in ("model", "image"))
    names = [name for name in (*WEIGHED, *ADVISED, *followed) if name in controls.by_name]
    by_name = f"Object.fromEntries({json.dumps(names)}.map((name, i) => [name, values[i]]))"
    watched: list[Any] = [controls.by_name[name] for name in names]
    if watched:
        gr.on(None, None, watched, js=call("emit", "...values", f"'sized', {by_name}"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
