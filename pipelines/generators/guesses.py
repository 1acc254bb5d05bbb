"""What a saved picture would have been, had it been stopped after fewer of its steps: one labelled sheet, from the
guesses that are kept, decoded; the network is not asked."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import decoder_of, lease, on_device, with_own_steps
from pipelines.diffusion.retracing import all_steps
from pipelines.errors import Sentence
from pipelines.events import Event, Progress, Result, StopEarly
from pipelines.generators import letters
from pipelines.generators.sheet import GAP, INK, LONGEST, PAPER
from pipelines.models.info import ModelInfo
from pipelines.requests.branch import Parent
from pipelines.requests.guesses import GENERATOR, GuessesRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import recipe

COLUMNS = 4
IS_AND_IS_NOT = Sentence(
    "Each is the network's guess at that step of one and the same way, as stop_at ends it. A picture that is planned "
    "with so few steps takes larger ones and comes out otherwise, often better."
)
WORDS: Mapping[str, tuple[str, str]] = {
    "en": (
        "step {k} of {n}",
        "The guess at each step of one way, had it been stopped there. "
        "Planned with so few steps a picture comes out otherwise, often better.",
    ),
    "zh": (
        "第 {k} 步，共 {n} 步",
        "同一条路上每一步若就此停下时的猜测。若一开始就只计划这么多步，图片会不同，往往更好。",
    ),
}


class Guesses:
    """The generator: progress, then one Result of the sheet. Stopped early it ends without one."""

    name = GENERATOR
    request_type = GuessesRequest

    def stream(self, request: GuessesRequest, devices: DeviceManager) -> Iterator[Event]:
        """Raises BadRequest for a picture of the bridge's."""
        request.check()
        parent, asked = request.making()
        try:
            yield Progress("loading")
            info = with_own_steps(asked.model)
            work = _decoded(request.most, parent, asked, info, devices)
            steps, total, pictures = yield from on_device(info, devices, work)
        except StopEarly:
            return
        image = drawn(pictures, steps, total, request.language)
        more = {"prompt": asked.prompt, "steps": steps, "of": total, "notes": [str(IS_AND_IS_NOT)]}
        made = recipe.new(GENERATOR, request.json_values(), **more)
        yield Result(image[None], (made,), notes=(IS_AND_IS_NOT,))


def chosen(total: int, most: int) -> list[int]:
    """At most so many steps of 1 to `total`, evenly, the last among them."""
    count = min(total, most)
    return [round(total * (i + 1) / count) for i in range(count)]


def _decoded(
    most: int, parent: Parent, asked: TextToImageRequest, info: ModelInfo, devices: DeviceManager
) -> Generator[Event, None, tuple[list[int], int, list[np.ndarray]]]:
    from pipelines.diffusion import replay

    with lease(info, devices) as base, decoder_of(asked.vae, base, devices) as other:
        known = yield from all_steps(parent, base, devices)
        steps, pictures = chosen(known.steps, most), []
        decoder = other or base.decoder
        for step in replay.replayed(known):
            if step.number in steps:
                yield Progress("decoding", len(pictures), len(steps))
                latents = step.x if step.number == len(known.path) else step.x0_pred
                pictures.append(decoder.picture(latents.to(base.device), lambda note: None))
    return steps, known.steps, pictures


def drawn(pictures: Sequence[np.ndarray], steps: Sequence[int], total: int, language: str) -> np.ndarray:
    """The sheet, uint8 (H, W, 3): a sentence of what it is, and the pictures row by row, each with its step below."""
    label, said = WORDS[language if letters.font_for("".join(WORDS[language]), 12) else "en"]
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = pictures[0].shape[:2]
    scale = min(1.0, LONGEST / (columns * (width + GAP)), LONGEST / (rows * (height + GAP)))
    width, height = int(width * scale), int(height * scale)
    size = max(12, min(32, width // 11))
    font = letters.font_for(label + said + "0123456789", size) or letters.plain(size)
    across = columns * (width + GAP) + GAP
    lines = letters.wrapped(said, font, across - 2 * GAP)
    head, line = len(lines) * size * 3 // 2 + 2 * GAP, size * 3 // 2
    sheet = Image.new("RGB", (across, head + rows * (height + line + GAP) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for i, words in enumerate(lines):
        pen.text((GAP, GAP + i * line), words, fill=INK, font=font)
    for i, (picture, step) in enumerate(zip(pictures, steps, strict=True)):
        row, column = divmod(i, columns)
        x, y = GAP + column * (width + GAP), head + row * (height + line + GAP)
        cell = Image.fromarray(picture)
        sheet.paste(cell if scale == 1 else cell.resize((width, height), Image.Resampling.LANCZOS), (x, y))
        pen.text((x, y + height + 2), label.format(k=step, n=total), fill=INK, font=font)
    return np.asarray(sheet)
