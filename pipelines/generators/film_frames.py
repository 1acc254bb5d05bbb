"""The pictures of a film of steps: the panels of each, what is written below them, and a curve of what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipelines.errors import Sentence
from pipelines.events import Frame
from pipelines.generators import letters
from pipelines.requests.film import BOTH, EPSILON, NOISE, RESULT, FilmRequest
from pipelines.store.film import GAP, Picture

PAPER, INK, FAINT, FILL, MARK = (255, 255, 255), (28, 25, 23), (120, 113, 108), (231, 229, 228), (194, 65, 12)
PANELS: Mapping[str, tuple[str, ...]] = {
    RESULT: ("guess",),
    NOISE: ("x",),
    BOTH: ("x", "guess"),
    EPSILON: ("x", "guess", "eps"),
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"x": "noisy picture", "guess": "guess so far", "eps": "noise seen in it", "step": "step {k} of {n}"},
    "zh": {"x": "含噪图片", "guess": "目前的猜测", "eps": "其中看到的噪声", "step": "第 {k} 步，共 {n} 步"},
}
PROMPT_LINES = 2
COMPARED = 48
"""Pixels a side of what the curve compares: structure counts, not grain."""


@dataclass(frozen=True)
class Strip:
    """Where everything stands, in pixels: panels of width x height beside each other below `head`; below them `lines`
    lines of letters of that `size`, then the curve."""

    names: tuple[str, ...]
    width: int
    height: int
    size: int
    head: int
    lines: int
    curve: int

    @classmethod
    def of(cls, request: FilmRequest, shape: tuple[int, ...], prompt_lines: int) -> Strip:
        """For a picture of (H, W, 3)."""
        times = request.size / max(shape[:2])
        height, width = (max(16, round(side * times)) for side in shape[:2])
        names = PANELS[request.shows]
        size = max(11, min(26, (width + height) // 36))
        lines = 1 + prompt_lines if request.captions else 0
        head = 2 * size if request.captions and len(names) > 1 else 0
        return cls(names, width, height, size, head, lines, max(28, height // 7) if request.curve else 0)

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of the whole, even, as video wants them."""
        width = len(self.names) * (self.width + GAP) + GAP
        height = self.head + self.height + (3 * self.lines * self.size) // 2 + self.curve + 3 * GAP
        return width + width % 2, height + height % 2


class Drawing:
    """Draws one film; `notes` say what could not be written as it stands."""

    def __init__(self, request: FilmRequest, frames: Sequence[Frame], final: Picture, prompt: str) -> None:
        self._request, self._frames, self._final = request, frames, final
        self.notes: list[Sentence] = []
        self._words = WORDS[request.language]
        if request.captions and not letters.font_for("".join(self._words.values()), 12):
            self._words = WORDS["en"]
            self.notes.append(Sentence("No font on this machine has Chinese letters, so the captions are in English."))
        self._sigma = "σ" if letters.font_for("σ", 12) else "sigma"
        self._prompt = self._legible(prompt)
        self.strip = Strip.of(request, final.shape, 0)
        lines = self._wrapped()
        self.strip = Strip.of(request, final.shape, len(lines))
        self._lines = lines
        self._far = distances([*(frame.x0_pred[0] for frame in frames[:-1]), final]) if request.curve else []

    def pictures(self) -> Iterator[Picture]:
        """One for each frame, uint8 (H, W, 3); the last has the finished picture as its guess."""
        for i, frame in enumerate(self._frames):
            yield self._drawn(frame, i)

    def _legible(self, prompt: str) -> str:
        prompt = " ".join(prompt.split()) if self._request.captions else ""
        if prompt and letters.font_for(f"{prompt}{''.join(self._words.values())}{self._sigma}…", 12) is None:
            self.notes.append(Sentence("No font on this machine has all letters of the prompt, so it is left out."))
            return ""
        return prompt

    def _font(self) -> ImageFont.FreeTypeFont:
        """One for all that is written, or Pillow's own."""
        text = "".join((*self._words.values(), self._prompt, self._sigma, ".·…0123456789"))
        return letters.font_for(text, self.strip.size) or letters.plain(self.strip.size)

    def _wrapped(self) -> list[str]:
        if not self._prompt:
            return []
        lines = letters.wrapped(self._prompt, self._font(), self.strip.shape[0] - 2 * GAP)
        return letters.shortened(lines, PROMPT_LINES)

    def _drawn(self, frame: Frame, place: int) -> Picture:
        strip, last = self.strip, place == len(self._frames) - 1
        sheet = Image.new("RGB", strip.shape, PAPER)
        pen = ImageDraw.Draw(sheet)
        eps = frame.x if frame.eps is None else frame.eps  # before the first step all of it is noise
        of_frame = {"x": frame.x[0], "guess": self._final if last else frame.x0_pred[0], "eps": eps[0]}
        for i, name in enumerate(strip.names):
            crisp = name != "guess" and not (name == "x" and last)
            way = Image.Resampling.NEAREST if crisp else Image.Resampling.BICUBIC
            left = GAP + i * (strip.width + GAP)
            picture = self._final if name == "x" and last and frame.sigma == 0 else of_frame[name]
            sheet.paste(Image.fromarray(picture).resize((strip.width, strip.height), way), (left, strip.head + GAP))
            if strip.head:
                self._write(pen, self._words[name], (left, GAP), INK)
        if strip.lines:
            self._caption(pen, frame)
        if strip.curve:
            self._curve(pen, place)
        return np.asarray(sheet)

    def _caption(self, pen: ImageDraw.ImageDraw, frame: Frame) -> None:
        top, line = self.strip.head + self.strip.height + 2 * GAP, 3 * self.strip.size // 2
        step = self._words["step"].format(k=frame.index, n=frame.total)
        self._write(pen, f"{step} · {self._sigma} {frame.sigma:.3g}", (GAP, top), INK)
        for i, words in enumerate(self._lines):
            self._write(pen, words, (GAP, top + (i + 1) * line), FAINT)

    def _curve(self, pen: ImageDraw.ImageDraw, place: int) -> None:
        """How far each guess is from the last one, filled up to the step that is shown."""
        width, height = self.strip.shape
        low, high, most = height - GAP, height - GAP - self.strip.curve + 4, max(max(self._far), 1e-9)
        across = (width - 2 * GAP) / max(1, len(self._far) - 1)
        points = [(GAP + i * across, low - (low - high) * each / most) for i, each in enumerate(self._far)]
        pen.polygon([(GAP, low), *points, (points[-1][0], low)], fill=FILL)
        pen.line(points, fill=FAINT, width=1)
        pen.line([points[place], (points[place][0], low)], fill=MARK, width=2)
        x, y = points[place]
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=MARK)

    def _write(self, pen: ImageDraw.ImageDraw, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
        pen.text(place, text, fill=colour, font=self._font())


def distances(guesses: Sequence[Picture]) -> list[float]:
    """The mean difference of each from the last one, in levels of 0 to 255, where both are small. The first is before
    any guess and counts as the second."""
    small = [_small(guess) for guess in guesses]
    all_of = [float(np.abs(each - small[-1]).mean()) for each in small]
    return all_of[1:2] + all_of[1:]


def _small(picture: Picture) -> np.ndarray:
    resized = Image.fromarray(picture).resize((COMPARED, COMPARED), Image.Resampling.BILINEAR, reducing_gap=None)
    return np.asarray(resized, np.float32)
