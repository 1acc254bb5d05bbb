"""A button sends what the page holds once pictures that are still being uploaded have arrived."""

import json
from collections.abc import Iterable

from gradio.blocks import Block

from aigc_ui import page_files
from aigc_ui.components.picture_input import PictureInput


def arrived(inputs: Iterable[Block]) -> str:
    """JavaScript for the `js=` of an event with this set of inputs: their values, pictures as soon as they are there.

    It fails where a picture could not be brought, so that the event ends in its `failure`.
    """
    in_order = sorted(inputs, key=lambda part: part._id)  # as Gradio hands over a set
    pictures = {place: part.field for place, part in enumerate(in_order) if isinstance(part, PictureInput)}
    return f"async (...values) => (await {page_files.entry()}).arrived({json.dumps(pictures)}, values)"
