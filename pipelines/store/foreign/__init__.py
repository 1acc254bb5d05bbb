"""What other tools' pictures say about how they were made; one file a tool, tried in the order of TOOLS.

    found = foreign.read(data, TextToImageRequest)
    found.tool          # "ComfyUI"
    found.settings      # what a request of ours takes, already checked
    found.unsaid        # what its silence means for all other fields
    found.unknown       # what it does not, with its value and the reason

All of it is a stranger's data: bounded before it is parsed, checked by the request itself, and text wherever it shows.
"""

from collections.abc import Callable
from dataclasses import replace

from pipelines.params import Request
from pipelines.store.foreign import a1111, carrier, comfy, fooocus, invoke, novelai, silence, stealth, studio, swarm
from pipelines.store.foreign.found import CheckedSettings, ForeignSettings, checked

__all__ = ["CheckedSettings", "ForeignSettings", "read", "read_text", "unchecked"]

# Those whose text nobody else writes come first; A1111's takes whatever is left under "parameters".
TOOLS = (studio.read, comfy.read, invoke.read, novelai.read, swarm.read, fooocus.read, a1111.read)


TextsOf = Callable[[bytes], dict[str, str]]


def read(
    data: bytes,
    request_type: type[Request],
    texts_of: TextsOf = carrier.texts_of,
    hidden_texts_of: TextsOf = stealth.texts_of,
) -> CheckedSettings:
    """What a PNG, JPEG or WebP says of how it was made. Raises BadFile for anything else.

    texts_of, hidden_texts_of: a server reads them in a process of their own, see `picture_files.reader`.
    """
    said = unchecked(texts_of(data)) or unchecked(hidden_texts_of(data))
    return _checked(said, request_type)


def read_text(text: str, request_type: type[Request]) -> CheckedSettings:
    """The same of a text that was copied out of a picture: an infotext, or the JSON of another tool."""
    return _checked(unchecked({"parameters": text, "prompt": text}), request_type)


def _checked(said: ForeignSettings | None, request_type: type[Request]) -> CheckedSettings:
    settings = checked(said, request_type)
    return replace(settings, unsaid=silence.unsaid(said, request_type)) if said else settings


def unchecked(texts: dict[str, str]) -> ForeignSettings | None:
    """What a picture's texts say, in the words of whoever wrote them; None where no tool has written any."""
    return next((said for read in TOOLS if (said := read(texts)) is not None), None)
