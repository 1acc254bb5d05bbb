"""What a picture is called when it is downloaded: a pattern with AUTOMATIC1111's tokens, [date]-[prompt_words]-[seed].

Whatever the pattern and the recipe hold, the name is one that Windows, macOS, Linux and phones take: no sign that one
of them forbids or hides, none of Windows' names for devices, and no longer than file systems allow.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import BadRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.pictures import ImageInfo

LONGEST = 400  # characters of a pattern
MOST_BYTES = 200  # of a name in UTF-8, without its ending: 255 fit, and browsers put more behind it
MOST_WORDS = 8
_DEFAULTS = TextToImageRequest.defaults()
_TOKEN = re.compile(r"\[(\w+)((?:<[^<>]*>)*)\]")
_BRACED = re.compile(r"<([^<>]*)>")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_KNOWN_DIRECTIVES = frozenset("aAbBdmyYHIpMSfjUWuVGwzZ%")
_BESIDES_WORDS = re.compile(r"<[^<>]*>|[\[\](){}]|:-?[0-9.]+(?=[)\]])")
"""Of a prompt: add-ons, brackets and weights."""
_DATE, _MOMENT = "%Y-%m-%d", "%Y%m%d%H%M%S"


@dataclass(frozen=True)
class _Picture:
    info: ImageInfo
    zone: tzinfo | None

    def value(self, name: str) -> Any:
        request = self.info.recipe.get("request")
        given = request.get(name) if isinstance(request, dict) else None
        return _DEFAULTS.get(name) if given is None else given

    def text(self, name: str) -> str:
        value = self.value(name)
        return f"{value:g}" if isinstance(value, float) else str(value)

    def moment(self, form: str = _MOMENT, zone: tzinfo | None = None) -> str:
        return datetime.fromtimestamp(self.info.created, UTC).astimezone(zone or self.zone).strftime(form)

    def words(self, most: int = MOST_WORDS) -> str:
        words = _BESIDES_WORDS.sub(" ", self.text("prompt")).replace(",", " ").split()
        return " ".join(words[:most])


Write = Callable[[_Picture, list[str]], str]


def _datetime(picture: _Picture, given: list[str]) -> str:
    form = given[0] if given and given[0] else _MOMENT
    if unknown := [sign for sign in _DIRECTIVE.findall(form) if sign not in _KNOWN_DIRECTIVES]:
        raise BadRequest("unknown %{sign} in a date; %Y, %m, %d, %H, %M and %S are known.", sign=unknown[0])
    return picture.moment(form, _zone(given[1]) if len(given) > 1 and given[1] else None)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        raise BadRequest("unknown time zone {name!r}; they are called as in Europe/Berlin.", name=name[:40]) from None


def _hasprompt(picture: _Picture, given: list[str]) -> str:
    """Each word that the prompt holds, or what stands behind a | for one that it does not."""
    prompt = picture.text("prompt").casefold()
    parts = (one.partition("|") for one in given)
    return "".join(word if word.casefold() in prompt else other for word, _, other in parts)


def _prompt_words(picture: _Picture, given: list[str]) -> str:
    number = given[0] if given else ""
    return picture.words(int(number[:3]) if number.isascii() and number.isdecimal() else MOST_WORDS)


def _field(name: str) -> Write:
    return lambda picture, _: picture.text(name)


TOKENS: dict[str, Write] = {
    "seed": _field("seed"),
    "prompt": _field("prompt"),
    "prompt_words": _prompt_words,
    "prompt_spaces": _field("prompt"),
    "negative_prompt": _field("negative_prompt"),
    "hasprompt": _hasprompt,
    "model_name": _field("model"),
    "model_hash": lambda picture, _: str(picture.info.recipe.get("model_hash") or "")[:10],
    "date": lambda picture, _: picture.moment(_DATE),
    "datetime": _datetime,
    "job_timestamp": lambda picture, _: picture.moment(),
    "job": lambda picture, _: picture.info.id,
    "width": lambda picture, _: str(picture.info.width),
    "height": lambda picture, _: str(picture.info.height),
    "steps": _field("num_inference_steps"),
    "cfg": _field("guidance_scale"),
    "sampler": _field("sampler"),
    "scheduler": _field("sigma_schedule"),
    "styles": _field("style"),
    "denoising": _field("strength"),
    "clip_skip": _field("clip_skip"),
}
"""name -> what it writes, given what stands in <> behind it. [job] is the picture's id here."""


def named(pattern: str, info: ImageInfo, zone: tzinfo | None = None) -> str:
    """The name without its ending; the picture's id where nothing is left of it. `zone`: of times, the machine's own
    where none is given. Raises BadRequest for a token that is unknown or a pattern that is too long."""
    if len(pattern) > LONGEST:
        raise BadRequest("the name has {number} characters of at most {most}.", number=len(pattern), most=LONGEST)
    picture = _Picture(info, zone)

    def written(found: re.Match[str]) -> str:
        write = TOKENS.get(found[1].lower())
        if write is None:
            known = ", ".join(f"[{name}]" for name in TOKENS)
            raise BadRequest("unknown [{token}] in the name. Known are {known}.", token=found[1][:40], known=known)
        return write(picture, _BRACED.findall(found[2]))

    return safe(_TOKEN.sub(written, pattern)) or info.id


def safe(name: str) -> str:
    """As a file's name on every system; "" where nothing is left."""
    composed = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode("utf-8"))
    seen = "".join(sign for sign in _FORBIDDEN.sub("_", composed) if sign.isprintable())
    cut = " ".join(seen.split()).encode()[:MOST_BYTES].decode("utf-8", "ignore").strip(" .")
    return f"_{cut}" if _DEVICES.match(cut) else cut


EXAMPLE = ImageInfo(
    "20260301-140506-123456-9f3c",
    1_772_373_906.0,
    1024,
    768,
    {"request": _DEFAULTS | {"prompt": "a red panda in the snow", "seed": 42, "width": 1024, "height": 768}},
)
"""A picture for whoever has none yet."""
