"""What a picture starts from instead of pure noise, and how a part of it is painted anew."""

from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.params import Choice, Flag, Part, Picture, Range, param
from pipelines.requests.border import BORDER
from pipelines.requests.limits import FEATHER, FILLS


@dataclass(frozen=True)
class Start(Part):
    """A picture, a mask of what is painted anew in it, and how much."""

    image: str = param(
        "",
        Picture(),
        "The picture to start from instead of pure noise.",
        infotext="Start picture",
        needs=("image",),
    )
    mask_image: str = param(
        "",
        Picture(),
        "Where the start picture is painted anew: white is, black stays as it is.",
        infotext="Mask picture",
        needs=("mask_image",),
    )
    strength: float = param(
        0.6,
        Range(0.05, 1),
        "How much of the start picture is made anew: this part of the steps.",
        infotext="Denoising strength",
        needs=("image",),
    )

    def check(self) -> None:
        if self.mask_image and not self.image:
            raise BadRequest("mask_image needs the picture that it masks; got no image. Add it or drop the mask.")


@dataclass(frozen=True)
class Inpainting(Part):
    """How what is painted anew meets what stays."""

    blur: int = param(
        FEATHER,
        Range(0, 64),
        "Pixels inside the mask over which the new picture fades in.",
        name="mask_blur",
        infotext="Mask blur",
        needs=[("mask_image", *BORDER)],  # it softens the seam of a border too
    )
    fill: str = param(
        "original",
        Choice(FILLS),
        "What lies under the noise inside the mask.",
        name="mask_fill",
        needs=("mask_image",),
    )
    only_masked: bool = param(
        False,
        Flag(),
        "Paints only what is around the mask, at the full size, and puts it back.",
        needs=("mask_image", "only_masked"),
    )
    padding: int = param(
        32,
        Range(0, 256),
        "Pixels around the mask that are seen when only that is painted.",
        name="masked_padding",
        infotext="Masked area padding",
        needs=("mask_image", "only_masked"),
    )
