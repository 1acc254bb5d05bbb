"""A curve drawn by hand."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from aigc_ui.components.drawn import by_script, checked
from pipelines.params import Curve


class CurvePad(gr.HTML):
    """Points [x, y] in the order of x, none for no curve; drawn on a pad or typed."""

    def __init__(self, value: Sequence[Sequence[float]] = (), *, field: str = "curve", most: int = 100, **look: Any):
        self.field, self.most = field, most
        super().__init__(value, **by_script("curve", field=field) | look)

    def preprocess(self, payload: object) -> list[list[float]]:
        """Raises gr.Error for what is no curve."""
        return self._points(payload)

    def postprocess(self, value: Sequence[Sequence[float]] | None) -> list[list[float]]:
        return self._points(value)

    def _points(self, value: object) -> list[list[float]]:
        points = checked(Curve(self.most), self.field, () if value is None else value, tuple)
        return [list(point) for point in points]

    def api_info(self) -> dict[str, Any]:
        point = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {"type": "array", "items": point, "maxItems": self.most, "description": "points [x, y] of a curve"}

    def example_payload(self) -> list[list[float]]:
        return [[0, 7.5], [1, 3]]

    def example_value(self) -> list[list[float]]:
        return self.example_payload()
