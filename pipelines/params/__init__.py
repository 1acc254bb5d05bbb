"""What a request's field may hold, said once on the field: bounds, default and help.

Sliders, validation, the command line, the HTTP API and recipes all follow from these.

    @dataclass(frozen=True)
    class Wave(Request):
        length: int = param(20, Range(1, 1000), "how many points")
        shape: str = param("sine", Choice(("sine", "saw")), "the form of the wave")

    Wave.parse({"length": "5"})      # Wave(length=5, shape="sine")
    Wave.parse({"length": 5000})     # BadRequest: length must be 1 to 1000; got 5000.
"""

from pipelines.params.fields import Field, Part, Unit, param, part, units
from pipelines.params.request import Request
from pipelines.params.specs import Choice, Curve, Flag, Picture, Range, Spec, Text, described, exact

__all__ = [
    "Choice",
    "Curve",
    "Field",
    "Flag",
    "Part",
    "Picture",
    "Range",
    "Request",
    "Spec",
    "Text",
    "Unit",
    "described",
    "exact",
    "param",
    "part",
    "units",
]
