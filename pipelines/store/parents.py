"""The pictures that one is made from, as its recipe names them: by the digest of their pixels, so that they are found
wherever they lie, whatever their files are called.

    {"parents": [{"kind": "inpaint", "digest": "9f3c...", "input": "77ab..."}]}
"""

from collections.abc import Callable
from typing import Any

from pipelines.params import Request
from pipelines.requests.border import BORDER
from pipelines.store import pixels

BRANCH, VARIATION, PASS, UPSCALE, SHEET, EARLIER = "branch", "variation", "pass", "upscale", "sheet", "earlier"
IMAGE, INPAINT, OUTPAINT, CONTROL, REFERENCE = "image", "inpaint", "outpaint", "control", "reference"
KINDS = (BRANCH, VARIATION, PASS, UPSCALE, SHEET, EARLIER, IMAGE, INPAINT, OUTPAINT, CONTROL, REFERENCE)
"""How a picture was made from its parent."""


def named(request: Request, digest_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Those of a request whose pictures are attached; `digest_of` a saved picture by its id, "" for unknown."""
    found: list[dict[str, Any]] = []
    source = request.source_id()
    for name, picture_id in request.picture_ids().items():
        if name in request.pictures and (kind := kind_of(name, request.values())):
            digest = pixels.digest(request.pictures[name])
            found.append({"kind": kind, "digest": digest, "input": picture_id} | ({"id": source} if source else {}))
    if branched := request.parent_id():
        found.append({"kind": request.parent_kind, "id": branched, "digest": digest_of(branched)})
    return found


def kind_of(name: str, values: dict[str, Any]) -> str:
    """What the picture of that field is for a request of these values; "" for a mask, which is no parent."""
    if name == "image":
        if "factor" in values:
            return UPSCALE
        painted_in = INPAINT if values.get("mask_image") else IMAGE
        return OUTPAINT if any(values.get(side) for side in BORDER) else painted_in
    return CONTROL if name.startswith("control") else REFERENCE if name.startswith("ip") else ""
