"""How far beyond one edge of the start picture is painted."""

from typing import Any

import gradio as gr

from aigc_ui.components.drawn import by_script, checked
from pipelines.params import Range


class BorderInput(gr.HTML):
    """Pixels from `low` to `high`, set by the arrow at that edge, which the start picture's panel draws."""

    def __init__(self, value: int = 0, *, field: str = "border", low: int = 0, high: int = 1024, **look: Any):
        self.field, self.low, self.high = field, low, high
        super().__init__(value, **by_script("border", field=field) | look)

    def preprocess(self, payload: object) -> int:
        """Raises gr.Error for what is no number of pixels in these bounds."""
        return self._pixels(payload)

    def postprocess(self, value: int | None) -> int:
        return self._pixels(value)

    def _pixels(self, value: object) -> int:
        return checked(Range(self.low, self.high), self.field, 0 if value is None else value, int)

    def api_info(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high, "description": "pixels beyond one edge"}

    def example_payload(self) -> int:
        return self.low

    def example_value(self) -> int:
        return self.low
