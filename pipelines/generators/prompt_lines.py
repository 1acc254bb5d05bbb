"""Pictures from a list of prompts, one a line; a line may change settings behind its prompt:

a red fox
a blue fox in snow --steps 30 --seed 5 --sampler "DPM++ 2M Karras"
"""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.events import Event, StopEarly
from pipelines.generators import series
from pipelines.params import Text, param
from pipelines.prompts import parameters
from pipelines.requests import names
from pipelines.requests.text_to_image import TextToImageRequest

ELSEWHERE = {
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "negative": "negative_prompt",
    "sampler_name": "sampler",
    "sd_model": "model",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "batch_size": "count",
}
"""Other names of settings: the command line's, and AUTOMATIC1111's in such files."""
FIXED = ("image", "mask_image", "branch_from", "branch_paint", "branch_mask")
"""Not to be changed by a line: pictures are handed over with the whole list."""


@dataclass(frozen=True)
class PromptLinesRequest(TextToImageRequest):
    """Settings for all lines, and the lines; the request's own prompt is left aside."""

    prompt_lines: str = param("", Text(20_000), "One prompt a line, settings behind it as --steps 20 --seed 5.")

    def check(self) -> None:
        super().check()
        requests = self.requests()
        if not requests:
            raise BadRequest("prompt_lines must have a prompt on a line; got none. Write one, or choose a file.")
        series.check(requests)

    def saved_pixels(self) -> int:
        """Where no line changes the size."""
        return sum(bool(line.strip()) for line in self.prompt_lines.splitlines()) * super().saved_pixels()

    def requests(self) -> list[TextToImageRequest]:
        """One for each line that is not empty. Raises BadRequest with the number of a line that cannot be read."""
        own = {field.name for field in TextToImageRequest.fields()}
        base = {name: value for name, value in self.values().items() if name in own}
        found = []
        for number, line in enumerate(self.prompt_lines.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                request = TextToImageRequest.parse(base | _line(line.strip()))
            except BadRequest as error:
                raise BadRequest("line {number}: {why}", number=number, why=error.sentence) from None
            left_out = request.left_out or self.left_out
            found.append(dataclasses.replace(request, pictures=self.pictures, parent=self.parent, left_out=left_out))
        return found


class PromptLines:
    """The generator over text-to-image. Stopped early, it keeps the pictures that are finished."""

    name = "prompt-lines"
    request_type = PromptLinesRequest

    def stream(self, request: PromptLinesRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress and a frame for every line, and each line's Result."""
        request.check()
        try:
            yield from series.run(request.resolved().requests(), devices)
        except StopEarly:
            return


def _line(line: str) -> dict[str, Any]:
    """What a line says: everything before its first option is prompt, as it stands."""
    option = re.search(r"(?<!\S)--[a-z]", line)
    if option is None:
        return {"prompt": line}
    prompt = line[: option.start()]
    try:
        words = shlex.split(line[option.start() :])
    except ValueError:
        raise BadRequest("a quotation mark is not closed in {line!r}.", line=line[-40:]) from None
    values: dict[str, Any] = {"prompt": prompt.strip()} if prompt.strip() else {}
    while words:
        option = words.pop(0)
        name = ELSEWHERE.get(key := option.removeprefix("--").replace("-", "_"), key)
        if option.startswith("--") and name in parameters.HERE - _known():  # of the prompt, read with it
            said = [option, *_up_to_the_next(words)]
            values["prompt"] = " ".join([*filter(None, [values.get("prompt")]), *said])
            continue
        if not option.startswith("--") or name in FIXED or name not in _known():
            raise BadRequest(
                "unknown option {option!r}; known are --steps, --seed, --sampler and all other settings.",
                option=option[:40],
            )
        if not words:
            raise BadRequest("the option {option} needs a value. Write one behind it.", option=option[:40])
        values |= names.resolved({name: words.pop(0)})
    return values


def _up_to_the_next(words: list[str]) -> list[str]:
    """The words before the next option, which are taken out."""
    end = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    taken, words[:end] = words[:end], []
    return taken


def _known() -> set[str]:
    return {field.name for field in TextToImageRequest.fields()}
