"""A ControlNet as a request names it: which one, what it sees of which picture, how strongly and when."""

from dataclasses import dataclass

from pipelines.params import Choice, Picture, Range, Unit, param
from pipelines.requests.choices import CONTROLS, NO_CONTROL
from pipelines.requests.pairs import check_order, check_together

CONTROL_TYPES = ("plain", "canny", "inverted")
"""What a ControlNet sees of the picture: the picture itself, its edges, or its negative, for black lines on white."""
_NEEDS = ("control_model",)


@dataclass(frozen=True)
class ControlNet(Unit):
    """Not used where it has no model."""

    image: str = param(
        "",
        Picture(),
        "The picture that a ControlNet follows: its edges, depth, pose or lines.",
        name="control_image",
        infotext="Control picture",
        needs=_NEEDS,
    )
    model: str = param(
        NO_CONTROL,
        CONTROLS,
        "The ControlNet that follows it.",
        name="control_model",
        infotext="Control model",
        needs=_NEEDS,
    )
    type: str = param(
        "plain",
        Choice(CONTROL_TYPES),
        "What it sees: the picture itself, its edges, or its negative.",
        name="control_type",
        infotext="Control type",
        needs=_NEEDS,
    )
    low: int = param(
        100,
        Range(0, 1000),
        "Edges weaker than this are left out.",
        name="control_low",
        infotext="Control edges low",
        needs=_NEEDS,
    )
    high: int = param(
        200,
        Range(0, 1000),
        "Edges stronger than this are kept in any case.",
        name="control_high",
        infotext="Control edges high",
        needs=_NEEDS,
    )
    scale: float = param(
        1.0,
        Range(0, 2),
        "How strongly the control picture is followed.",
        name="control_scale",
        infotext="Control weight",
        needs=_NEEDS,
    )
    start: float = param(
        0.0,
        Range(0, 1),
        "Control begins after this part of the steps.",
        name="control_start",
        infotext="Control start",
        needs=_NEEDS,
    )
    end: float = param(
        1.0,
        Range(0, 1),
        "Control ends after this part of the steps.",
        name="control_end",
        infotext="Control end",
        needs=_NEEDS,
    )

    @property
    def used(self) -> bool:
        return self.model != NO_CONTROL

    def check(self) -> None:
        check_together(self.numbered("control_model"), self.used, self.numbered("control_image"), bool(self.image))
        check_order(self.numbered("control_start"), self.start, self.numbered("control_end"), self.end)
        check_order(self.numbered("control_low"), self.low, self.numbered("control_high"), self.high)
