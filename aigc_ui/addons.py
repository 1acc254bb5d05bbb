"""The accordion "Add-ons": what of LoRAs, ControlNets, IP-Adapters and upscalers is installed, and nothing where
nothing is."""

from typing import Any

import gradio as gr

from aigc_ui.controls import Controls
from aigc_ui.labels import Labels
from aigc_ui.live import FAST, call, mount
from pipelines.models.addons import files

FOLLOWED = ("control_type", "control_low", "control_high", "width", "height")
"""What decides how the control picture looks to the ControlNet."""
CONTROL_ROWS = (("control_low", "control_high"), ("control_scale",), ("control_start", "control_end"))


def place(controls: Controls, labels: Labels) -> None:
    """Every field of an add-on gets its control, so that recipes can be taken over; what does nothing is not shown."""
    kinds = (files.LORA, files.CONTROL, files.IP_ADAPTER, files.UPSCALER)
    loras, nets, adapters, upscalers = (bool(files.installed(kind)) for kind in kinds)
    controls.place("control_image", elem_id="control-image")
    controls.place("ip_image", elem_id="reference-image")
    shown = loras or nets or adapters or upscalers
    with labels.add(gr.Accordion, "label", "group.addons", open=False, elem_id="group-addons", visible=shown):
        controls.place("loras", lines=1, max_lines=3, elem_id="loras", visible=loras)
        mount("addons", visible=loras or nets)
        with gr.Column(visible=nets, min_width=0):
            with gr.Row(elem_classes="pair"):
                controls.place("control_model", "control_type", min_width=0)
            for row in CONTROL_ROWS:
                with gr.Row(elem_classes="pair"):
                    controls.place(*row, min_width=0, visible=row != ("control_low", "control_high"))
        with gr.Column(visible=adapters, min_width=0):
            mount("reference")
            controls.place("ip_model", "ip_scale", min_width=0)
            with gr.Row(elem_classes="pair"):
                controls.place("ip_start", "ip_end", min_width=0)
        controls.place("upscaler", visible=upscalers)


def connect(controls: Controls) -> None:
    """The edges' thresholds show with the edges; the page's scripts are told what the ControlNet is to see."""
    kind = controls.by_name.get("control_type")
    edges: list[Any] = [controls.by_name[name] for name in ("control_low", "control_high") if name in controls.by_name]
    if isinstance(kind, gr.Dropdown) and edges:
        kind.change(lambda chosen: [gr.update(visible=chosen == "canny")] * len(edges), kind, edges, **FAST)
    followed: list[Any] = [controls.by_name[name] for name in FOLLOWED if name in controls.by_name]
    if len(followed) == len(FOLLOWED):
        names = ", ".join(FOLLOWED)
        told = call("emit", names, f"'control', {{ {names} }}")
        gr.on([component.change for component in followed], None, followed, js=told)
