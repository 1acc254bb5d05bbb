"""The families' tab: GAN, VAE, flow and diffusion side by side, each bench drawn by a script of its own."""

import gradio as gr

from aigc_ui.labels import Labels
from aigc_ui.live import mount
from aigc_ui.services import Services

BENCHES = {
    "family-race": "family-race",
    "latents": "family-latents",
    "round-trip": "family-round-trip",
    "family-training": "family-training",
    "family-own": "family-own",
}
"""The bench's name, and the place that its script fills."""


def build(services: Services, labels: Labels, wire: gr.HTML) -> gr.Tabs:
    """Lay out the tab inside the current Blocks; its benches' tabs come back."""
    mount("family-lessons")
    with gr.Tabs(elem_id="family-benches") as benches:
        for name, place in BENCHES.items():
            with labels.add(gr.Tab, "label", f"tab.{name}", id=name):
                mount(place)
    return benches
