"""A picture that somebody brings."""

from typing import Any

import gradio as gr

from aigc_ui.components.drawn import by_script, checked
from pipelines.params import Picture


class PictureInput(gr.HTML):
    """The id under which a picture is kept (see pipelines.store.inputs), "" for none.

    `role` says how it is chosen and shown: "start" to begin from, "mask" painted over that one, "control" for what a
    ControlNet follows, "reference" for any other that is followed.
    """

    def __init__(self, value: str = "", *, field: str = "image", role: str = "reference", **look: Any):
        self.field, self.role = field, role
        super().__init__(value, **by_script(role, field=field) | look)

    def preprocess(self, payload: object) -> str:
        """Raises gr.Error for what is no id."""
        return checked(Picture(), self.field, "" if payload is None else payload, str)

    def postprocess(self, value: str | None) -> str:
        return checked(Picture(), self.field, "" if value is None else value, str)

    def api_info(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": "^([0-9a-f]{64})?$",
            "description": "the id that POST /api/v1/inputs gives for a picture's bytes, or empty",
        }

    def example_payload(self) -> str:
        return ""

    def example_value(self) -> str:
        return ""
