"""Which models are here, what they are made of, and whether they are sound: looked over before any library loads them.

A model is a diffusers folder or a safetensors file of an architecture that architectures.py knows, or a folder of any
other text-to-image pipeline of diffusers, which runs through the bridge (pipelines/diffusion/bridge), in a folder of
`pipelines.places`. Whoever made it is a stranger: only known classes, sizes within bounds, safetensors whose header is
true, and no link that leads out of the folder.
"""

from pipelines.models.folders import find, installed, name_of, resolve
from pipelines.models.info import ModelInfo, identity, model_hash
from pipelines.models.inspection import inspect
from pipelines.models.sizes import native_shape, native_size

__all__ = [
    "ModelInfo",
    "find",
    "identity",
    "inspect",
    "installed",
    "model_hash",
    "name_of",
    "native_shape",
    "native_size",
    "resolve",
]
