"""What a request may ask for at most, and the choices that are fixed."""

MOST_PIXEL_STEPS = 2**29  # pixels x pictures x steps: ten pictures of 1024 x 1024 in 50 steps fit, one of 2048 in 128
LARGEST_SIDE = 2048
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


FEATHER = 4  # pixels inside the mask over which the new picture fades in
FILLS = ("original", "fill", "noise", "nothing")
"""What lies under the noise where a mask is painted: the picture, the colours around, noise, or no signal at all."""
