"""The embedded model, as far as tests depend on which one is shipped."""

from pipelines import models
from pipelines.models.sizes import latent_factor

NAME = "aigc-mini"
INFO = models.inspect(models.find(NAME))
SIDE = models.native_size(INFO)
"""Of the pictures that it was trained on."""
HINT = (4,) * latent_factor(INFO).bit_length()
"""Channels of a ControlNet's first layers, which make a hint as small as a latent."""
