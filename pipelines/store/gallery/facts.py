"""What a picture is found by, read off its recipe, which may be a stranger's: only what has the right type counts."""

import re
from dataclasses import dataclass

from pipelines.requests.border import BORDER
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store.pictures import ImageInfo

LONGEST_TEXT = 20_000  # characters of a prompt that are searched
LONGEST_NAME = 120
MOST_LORAS = 20
_LORA = re.compile(r"<(?:lora|lyco):([^:<>]{1,120})[^<>]{0,40}>")


@dataclass(frozen=True)
class Facts:
    """`kind` is how the picture was made: text, image, inpaint, outpaint, another generator's name, "" for not said."""

    prompt: str
    negative: str
    model: str
    sampler: str
    kind: str
    loras: tuple[str, ...]


def facts_of(info: ImageInfo) -> Facts:
    request = info.recipe.get("request")
    values = request if isinstance(request, dict) else {}

    def text(name: str, longest: int = LONGEST_NAME) -> str:
        value = values.get(name)
        return " ".join(value[:longest].split()) if isinstance(value, str) else ""

    prompt, negative = text("prompt", LONGEST_TEXT), text("negative_prompt", LONGEST_TEXT)
    named = _LORA.findall(f"{prompt} {text('loras', LONGEST_TEXT)}")
    loras = tuple(dict.fromkeys(name.strip() for name in named))[:MOST_LORAS]
    return Facts(prompt, negative, text("model"), text("sampler"), _kind(info, values), loras)


def _kind(info: ImageInfo, values: dict[str, object]) -> str:
    generator = info.recipe.get("generator")
    if not isinstance(generator, str):
        return "text" if values.get("prompt") else ""
    if generator != GENERATOR:
        return generator[:LONGEST_NAME]
    if any(values.get(name) for name in BORDER):
        return "outpaint"
    if values.get("mask_image"):
        return "inpaint"
    return "image" if values.get("image") else "text"
