"""What machines are told of a picture: that it was made by AI, as IPTC's DigitalSourceType in an XMP packet.

A picture from words alone is trainedAlgorithmicMedia; one that somebody's own picture went into, repainted, widened or
enlarged, compositeWithTrainedAlgorithmicMedia (https://cv.iptc.org/newscodes/digitalsourcetype/). The packet says
nothing else, so that no reader of settings finds anything new.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.store import parents

TRAINED, COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
PNG_CHUNK = "XML:com.adobe.xmp"
_SHOWN = (parents.IMAGE, parents.INPAINT, parents.OUTPAINT, parents.UPSCALE)
"""Steps after which something of the parent is in the picture; a ControlNet's picture only leads it."""
_BROUGHT = ("image", "branch_paint")
"""Fields of a request with somebody's own picture, or what somebody painted on a step."""
_SAID = re.compile(r"/digitalsourcetype/(\w{1,64})")
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/{}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def packet(source: str) -> str:
    return _PACKET.format(source)


def said(texts: Mapping[str, str]) -> str:
    """What the texts of a PNG declare, "" for nothing."""
    found = _SAID.search(texts.get(PNG_CHUNK, ""))
    return found[1] if found else ""


def of_recipe(recipe: Mapping[str, Any], of_parent: Callable[[str], str]) -> str:
    """That of a picture of ours; `of_parent` says it of a picture by the digest of its pixels, "" for one that is not
    known here, and so was brought by somebody."""
    listed = recipe.get("parents")
    named = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    shown = [one for one in named if one.get("kind") in _SHOWN]
    request = recipe.get("request")
    brought = [name for name in _BROUGHT if isinstance(request, dict) and request.get(name)]
    branched = [
        of_parent(str(one.get("digest", ""))) for one in named if one.get("kind") in (parents.BRANCH, parents.EARLIER)
    ]
    if "branch_paint" in brought or COMPOSITE in branched:
        return COMPOSITE
    if not shown:
        return COMPOSITE if brought else TRAINED
    pure = all(of_parent(str(one.get("digest", ""))) == TRAINED for one in shown)
    return TRAINED if pure else COMPOSITE
