"""How strongly the prompt is followed, over the run."""

from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.params import Curve, Part, Range, param
from pipelines.requests.limits import LARGEST_SCALE
from pipelines.requests.pairs import check_order


@dataclass(frozen=True)
class GuidanceSettings(Part):
    """Classifier-free guidance (arXiv:2207.12598): its scale, or a curve of it, and in which part of the steps."""

    scale: float = param(
        3.0,
        Range(0, LARGEST_SCALE),
        "How strongly the prompt is followed; 1 is without guidance, 0 without the prompt.",
        name="guidance_scale",
        infotext="CFG scale",
    )
    curve: tuple[tuple[float, float], ...] = param(
        (),
        Curve(24),
        "Guidance over the run, as points [position from 0 to 1, scale]; none for the one scale.",
        name="guidance_curve",
        needs=("guidance_curve",),
    )
    rescale: float = param(
        0.0,
        Range(0, 1),
        "Takes back the contrast that strong guidance adds.",
        name="guidance_rescale",
        infotext="CFG rescale",
    )
    start: float = param(
        0.0,
        Range(0, 1),
        "Guidance begins after this part of the steps.",
        name="guidance_start",
        infotext="CFG start",
    )
    end: float = param(
        1.0,
        Range(0, 1),
        "Guidance ends after this part of the steps.",
        name="guidance_end",
        infotext="CFG end",
    )

    def check(self) -> None:
        check_order("guidance_start", self.start, "guidance_end", self.end)
        places = [place for place, _ in self.curve]
        if any(not 0 <= place <= 1 for place in places) or len(set(places)) < len(places):
            raise BadRequest("guidance_curve must have different positions from 0 to 1; got {got}.", got=places[:12])
        scales = [scale for _, scale in self.curve]
        if any(not 0 <= scale <= LARGEST_SCALE for scale in scales):
            raise BadRequest(
                "guidance_curve must have scales from 0 to {most}; got {got}.", most=LARGEST_SCALE, got=scales[:12]
            )
