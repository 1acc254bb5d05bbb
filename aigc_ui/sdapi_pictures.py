"""Pictures in base64, as programs written for A1111 send them."""

import base64
import binascii

from pipelines.errors import BadFile, BadRequest
from pipelines.params import described
from pipelines.store import inputs

MOST_ENCODED = 4 * inputs.MOST_BYTES // 3 + 1000
"""Characters of a picture in base64 with what stands before it."""


def decoded(name: str, text: object) -> bytes:
    """The bytes of a picture in base64, with or without `data:image/png;base64,` before it."""
    if not isinstance(text, str):
        raise BadRequest("{name} must be a picture in base64; got {got}.", name=name, got=described(text))
    if text.startswith(("http://", "https://")):
        raise BadRequest(
            "{name} must be the picture itself in base64; got an address. The studio fetches nothing.", name=name
        )
    if len(text) > MOST_ENCODED:
        raise BadFile(
            "{name} is larger than {most} MiB. Scale the picture down.", name=name, most=inputs.MOST_BYTES // 2**20
        )
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("{name} is not valid base64. Send the picture's bytes in base64.", name=name) from None
