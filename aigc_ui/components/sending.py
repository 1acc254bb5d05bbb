"""A button sends what the page holds once pictures that are still being uploaded have arrived."""

import json
from collections.abc import Mapping

from gradio.components import Component

from aigc_ui import page_files
from aigc_ui.components.picture_input import PictureInput


def arrived(by_name: Mapping[str, Component]) -> str:
    """JavaScript for the `js=` of an event with the set of these inputs: their values, pictures once they are there.

    A picture may bring the network that reads it: "control_image" sets "control_model". Where one could not be brought
    it fails, so that the event ends in its `failure`.
    """
    in_order = sorted(by_name, key=lambda name: by_name[name]._id)  # as Gradio hands over a set
    pictures = {name for name in by_name if isinstance(by_name[name], PictureInput)}
    brought = {name.removesuffix("_image") + "_model" for name in pictures if name.endswith("_image")}
    places = {name: place for place, name in enumerate(in_order) if name in pictures | brought}
    return f"async (...values) => (await {page_files.entry()}).arrived({json.dumps(places)}, values)"
