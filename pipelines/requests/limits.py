"""What a request may ask for at most, and the choices that are fixed."""

from pipelines.errors import BadRequest, Sentence
from pipelines.params.specs import MOST_PIXELS

MOST_PIXEL_STEPS = 2**29  # pixels x pictures x steps: ten pictures of 1024 x 1024 in 50 steps fit, one of 2048 in 128
LARGEST_SIDE = 8192
"""Of a field alone; what a picture may have is MOST_PIXELS, whatever its shape."""
MOST_ENLARGED = 4 * MOST_PIXELS
"""Pixels of an enlarged picture: as large a one as can be brought, twice as wide and high."""
SIDE_STEP = 8
"""Pixels of a latent in most models; one whose latents come in patches says so when it is asked for another size."""
SMALLEST_TILE = 64
LARGEST_SEED = 2**64 - 1
"""Of pictures; as in ComfyUI, SwarmUI and torch itself."""
LARGEST_SHORT_SEED = 2**32 - 1
"""Of experiments, whose controls are numbers of JavaScript."""
LARGEST_SCALE = 30
"""Of guidance."""
FACTORS = {"2x": 2, "4x": 4}
"""How far a picture can be enlarged."""
PREDICTIONS = ("auto", "epsilon", "v")
EMPHASES = ("original", "no_norm")
UPSCALES = ("auto", "none", *FACTORS)
OWN_UPSCALER = "aigc"
GROWS_BY_ITSELF = {128: "4x", 256: "2x"}
"""The factor of "auto" for pictures whose longer side is at most this many pixels; larger ones stay as they are."""


def check_pixels(width: int, height: int, advice: Sentence, most: int = MOST_PIXELS) -> None:
    """Raises BadRequest for a picture of more than `most` pixels, and says what to do."""
    if width * height > most:
        raise BadRequest(
            "{width} x {height} is {got:.1f} million pixels; at most {most:.1f} million are made. {advice}",
            width=width,
            height=height,
            got=width * height / 1e6,
            most=most / 1e6,
            advice=advice,
        )


FEATHER = 4  # pixels inside the mask over which the new picture fades in
FILLS = ("original", "fill", "noise", "nothing")
"""What lies under the noise where a mask is painted: the picture, the colours around, noise, or no signal at all."""
