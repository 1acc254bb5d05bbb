"""The accordion "Add-ons": what of LoRAs, ControlNets and IP-Adapters is installed, and nothing where
nothing is.

The fields of a ControlNet or an IP-Adapter begin with the same word, its prefix; there may be several: "control",
"control2".
"""

import json
from typing import Any

import gradio as gr

from aigc_ui.controls import Controls
from aigc_ui.labels import Labels
from aigc_ui.live import FAST, call, mount
from pipelines.models.addons import files

SEEN_BY = ("control_type", "control_low", "control_high")
"""What decides, with the size of the picture, how the control picture looks to the ControlNet."""


def place(controls: Controls, labels: Labels) -> None:
    """Every field of an add-on gets its control, so that recipes can be taken over; what does nothing is not shown. A
    second ControlNet or reference picture has none where not even one can be used."""
    loras, nets, adapters = (bool(files.installed(kind)) for kind in (files.LORA, files.CONTROL, files.IP_ADAPTER))
    shown = loras or nets or adapters
    with labels.add(gr.Accordion, "label", "group.addons", open=False, elem_id="group-addons", visible=shown):
        controls.place("loras", lines=1, max_lines=3, elem_id="loras", visible=loras)
        mount("lora-chips", visible=loras)
        for kind, here, lay_out in (("control", nets, _control), ("ip", adapters, _reference)):
            first, *others = prefixes(controls, kind) or [""]
            with gr.Column(visible=here, min_width=0):
                lay_out(controls, first)
                for prefix in others if here else ():
                    with labels.add(gr.Accordion, "label", f"group.{prefix}", open=False):
                        lay_out(controls, prefix)
            if not here:
                controls.leave_out(*(name for name in controls.left() if name.partition("_")[0] in others))


def prefixes(controls: Controls, kind: str = "") -> list[str]:
    """The prefixes of all add-ons, or those of a kind, that the request knows: "control", "control2" ..."""
    models = (field.name for field in controls.request_type.fields() if field.name.endswith("_model"))
    return [name.removesuffix("_model") for name in models if name.startswith(kind)]


def _control(controls: Controls, prefix: str) -> None:
    controls.place(f"{prefix}_image", role="control", elem_id=f"{prefix}-picture")
    with gr.Row(elem_classes="pair"):
        controls.place(f"{prefix}_model", f"{prefix}_type", min_width=0)
    with gr.Row(elem_classes="pair"):
        controls.place(f"{prefix}_low", f"{prefix}_high", min_width=0, visible=False)
    with gr.Row(elem_classes="pair"):
        controls.place(f"{prefix}_scale", min_width=0)
    with gr.Row(elem_classes="pair"):
        controls.place(f"{prefix}_start", f"{prefix}_end", min_width=0)


def _reference(controls: Controls, prefix: str) -> None:
    controls.place(f"{prefix}_image", role="reference", elem_id=f"{prefix}-picture")
    controls.place(f"{prefix}_model", f"{prefix}_scale", min_width=0)
    with gr.Row(elem_classes="pair"):
        controls.place(f"{prefix}_start", f"{prefix}_end", min_width=0)


def connect(controls: Controls) -> None:
    """The page's scripts hear which LoRAs are used and what each ControlNet is to see."""
    if loras := controls.by_name.get("loras"):
        gr.on(None, None, [loras], js=call("emit", "text", "'loras', text"))
    for prefix in prefixes(controls, "control"):
        _follow(controls, prefix)


def _follow(controls: Controls, prefix: str) -> None:
    """The edges' thresholds show with the edges; the scripts are told how the control picture is looked at."""
    own = [name.replace("control", prefix, 1) for name in SEEN_BY]
    followed: list[Any] = [controls.by_name.get(name) for name in (*own, "width", "height")]
    if not all(followed):
        return
    kind, *edges = followed[:3]
    kind.change(lambda chosen: [gr.update(visible=chosen == "canny")] * len(edges), kind, edges, **FAST)
    seen = json.dumps([*SEEN_BY, "width", "height"])
    by_name = f"Object.fromEntries({seen}.map((name, i) => [name, values[i]]))"
    gr.on(None, None, followed, js=call("emit", "...values", f"'control', {{ prefix: '{prefix}', seen: {by_name} }}"))
