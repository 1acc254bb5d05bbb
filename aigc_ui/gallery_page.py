"""The gallery's tab: all pictures that were made here, drawn by a script of its own."""

import gradio as gr

from aigc_ui.labels import Labels
from aigc_ui.live import mount
from aigc_ui.services import Services


def build(services: Services, labels: Labels, wire: gr.HTML) -> None:
    """Lay out the tab inside the current Blocks."""
    mount("gallery")
