"""The Diffusion lab tab: lessons, and five benches, each drawn by a script of its own."""

import gradio as gr

from aigc_ui.labels import Labels
from aigc_ui.live import mount
from aigc_ui.services import Services

BENCHES = ("schedule", "reverse", "points", "digits", "bound")


def build(services: Services, labels: Labels, wire: gr.HTML) -> gr.Tabs:
    """Lay out the tab inside the current Blocks; its benches' tabs come back."""
    mount("lab-lessons")
    with gr.Tabs(elem_id="benches") as benches:
        for name in BENCHES:
            with labels.add(gr.Tab, "label", f"tab.{name}", id=name):
                mount(f"lab-{name}")
    return benches
