"""What the start noise of a picture is besides its seed's."""

from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.params import Part, Range, param
from pipelines.requests.limits import LARGEST_SEED, LARGEST_SIDE, SIDE_STEP


@dataclass(frozen=True)
class Variation(Part):
    """The seed's noise, turned towards another seed's."""

    seed: int = param(
        -1,
        Range(-1, LARGEST_SEED),
        "Whose noise the seed's is turned towards; -1: any.",
        name="variation_seed",
        infotext="Variation seed",
        needs=("variation_strength",),
    )
    strength: float = param(
        0.0,
        Range(0, 1),
        "How far it is turned: 0 not at all, 1 all the way.",
        name="variation_strength",
        infotext="Variation seed strength",
        needs=("variation_strength",),
    )


@dataclass(frozen=True)
class SeedResize(Part):
    """The noise of another size, laid on the middle of the picture's."""

    width: int = param(
        0,
        Range(0, LARGEST_SIDE, step=SIDE_STEP),
        "Takes the noise of this width in the middle; 0: none.",
        name="seed_resize_width",
        needs=("seed_resize_width",),
    )
    height: int = param(
        0,
        Range(0, LARGEST_SIDE, step=SIDE_STEP),
        "Takes the noise of this height in the middle; 0: none.",
        name="seed_resize_height",
        needs=("seed_resize_height",),
    )

    def check(self) -> None:
        if bool(self.width) != bool(self.height):
            raise BadRequest(
                "seed_resize_width and seed_resize_height go together; got {seed_resize_width} and "
                "{seed_resize_height}. Give both, or 0 for both.",
                seed_resize_width=self.width,
                seed_resize_height=self.height,
            )
