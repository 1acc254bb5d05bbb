"""One step of a picture taken apart: its state, the network's answers with and without the prompt, what guidance makes
of them, the noise that it sees, and which words it looks at where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines import libs
from pipelines.diffusion.apart import Apart
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.conditions import PromptPair
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.denoiser import Denoiser
    from pipelines.diffusion.replay import Replayed
    from pipelines.diffusion.run import Run

STRONGEST = 8.0
"""Differences are shown at most so many times enlarged."""
Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Inside:
    """All in the samplers' form x0 + sigma * eps, (C, h, w). `uncond` is None where the network is told the guidance
    and not asked twice. `words`: each word of the prompt with how much of every place attends to it, (h, w)."""

    run: Run
    sigma: float
    scale: float
    x: Tensor
    guess: Tensor
    cond: Tensor
    uncond: Tensor | None
    words: tuple[tuple[str, Tensor], ...]

    @property
    def noise(self) -> Tensor:
        """eps that the guess leaves of the state."""
        return (self.x - self.guess) / self.sigma

    def values(self) -> Mapping[str, Any]:
        """For a Snapshot: pictures uint8 (1, H, W, 3) through the linear preview; the words, and a map for each."""
        scaled = self.x * self.run.model.process.scale(self.sigma)
        shown = {"x": scaled, "noise": self.noise, "guess": self.guess, "with_prompt": self.cond}
        shown |= {} if self.uncond is None else {"without_prompt": self.uncond}
        pictures = {name: self.run.model.preview(latents[None]) for name, latents in shown.items()}
        if self.uncond is not None:
            pictures["pull"] = difference(pictures["guess"], pictures["without_prompt"])
        words = [{"word": word, "share": float(seen.mean())} for word, seen in self.words]
        maps = {"maps": np.stack([_grey(seen) for _, seen in self.words])} if words else {}
        return {"sigma": self.sigma, "scale": self.scale, "words": words, **pictures, **maps}


def look(run: Run) -> Inside:
    """The network asked once in the state that the run's known steps lead to. Raises BadRequest for pictures that are
    worked in tiles."""
    assert run.known is not None
    if not isinstance(run.denoiser, Apart):
        raise BadRequest("a picture that was worked in tiles cannot be looked into. Choose another picture.")
    denoiser, step = run.denoiser.denoisers[0][1], run.known.steps
    x, sigma = _state(run, step), float(run.path.sigmas[step])
    told = denoiser.conditions_at(sigma)
    if run.model.distilled:
        cond, uncond = denoiser.predict(x, sigma), None
        guided = cond
    else:
        cond, uncond = denoiser.both(x, sigma)
        guided = denoiser.guided(cond, uncond, sigma)
    guess, with_prompt = (denoiser.x0(each, x, sigma)[0] for each in (guided, cond))
    without = None if uncond is None else denoiser.x0(uncond, x, sigma)[0]
    words = _words(run, denoiser, x, sigma) if told.single else ()
    return Inside(run, sigma, denoiser.scale(sigma), x[0], guess, with_prompt, without, words)


def pull(run: Run, step: Replayed) -> Picture | None:
    """What guidance changed of that step's guess, uint8 (1, H, W, 3) around grey, for which the network is asked with
    the prompt and without it; None where there is no guidance, or the picture was worked in tiles."""
    if not isinstance(run.denoiser, Apart) or run.model.distilled:
        return None
    denoiser, x = run.denoiser.denoisers[0][1], step.before.to(run.model.device)[None]
    if denoiser.scale(step.level) == 1:
        return None
    cond, uncond = denoiser.both(x, step.level)
    guided = denoiser.guided(cond, uncond, step.level)
    shown = [run.model.preview(denoiser.x0(each, x, step.level)) for each in (guided, uncond)]
    return difference(*shown)


def _state(run: Run, step: int) -> Tensor:
    """(1, C, h, w) after that many steps, for which the network is not asked."""
    return next(done.x for done in run.steps(run.start()) if done.index + 1 == step)


def _words(run: Run, denoiser: Denoiser, x: Tensor, sigma: float) -> tuple[tuple[str, Tensor], ...]:
    """The words of the first of the prompt's chunks; none for networks without a cross-attention."""
    network, model = denoiser.network, run.model
    if not isinstance(network, UNetNetwork):
        return ()
    from pipelines.diffusion.attention_maps import maps

    context, scaled = denoiser.conditions_at(sigma).alone(1), x * denoiser.process.scale(sigma)
    with model.placement.visit(model.network_part):
        seen = maps(network.in_torch(), scaled, denoiser.process.timestep(sigma), context)
    if seen is None:
        return ()
    assert run.known is not None
    said = PromptPair.of(run.request.of_picture(0)).prompt.at(run.known.steps, len(run.path))[0]
    return tuple((word, seen[first:last].sum(0).cpu()) for word, first, last in model.word_places(said.sections))


def difference(one: Picture, other: Picture) -> Picture:
    """Around grey, so strong that the greatest reaches the end of the scale, if that is not beyond STRONGEST."""
    gap = one.astype(np.float32) - other
    times = min(STRONGEST, 127 / max(1.0, float(np.abs(gap).max())))
    return (128 + times * gap).round().clip(0, 255).astype(np.uint8)


def _grey(seen: Tensor) -> Picture:
    """(h, w, 3), white where it is greatest."""
    levels = (seen / seen.max().clamp_min(1e-12) * 255).round().to(libs.torch().uint8).numpy()
    return np.repeat(levels[..., None], 3, axis=2)
