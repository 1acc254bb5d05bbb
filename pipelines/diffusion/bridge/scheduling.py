"""A pipeline's scheduler seen from outside: its own, watched, or one that asks for every step from outside.

Pipelines know their scheduler by `set_timesteps`, `scale_model_input` and `step`. Both classes stand around the
pipeline's own scheduler and hand everything else on to it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pipelines import libs
from pipelines.diffusion.bridge.leading import is_flow
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import NoisePath
from pipelines.theory.process import NEXT_TO_NOISE, FlowProcess, Process, flow_process, trained_process, vp_scale
from pipelines.theory.samplers import SAMPLERS

Show = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Stepped:
    """A step that the pipeline's own scheduler has done: the states before and after it in the network's own form,
    the guess that it used (None where it cannot be known), and the levels sigma of both (of x = x0 + sigma * eps)."""

    index: int
    total: int
    before: Tensor
    after: Tensor
    x0_pred: Tensor | None
    sigma_before: float
    sigma: float


@dataclass(frozen=True, eq=False)
class StepQuestion:
    """What the network says of a state, both as the pipeline has them; answered by the state that comes next."""

    index: int
    sample: Tensor
    prediction: Tensor


@dataclass(frozen=True)
class Level:
    """A state is alpha * x0 + sigma * eps; `sigmas_form` where the scheduler itself calls x0 + sigma * eps so."""

    alpha: float
    sigma: float
    sigmas_form: bool = False

    @property
    def ratio(self) -> float:
        return self.sigma / max(self.alpha, 1 - NEXT_TO_NOISE)

    @property
    def shown(self) -> float:
        """What takes such a state to a form whose variance does not grow with sigma."""
        return vp_scale(self.sigma) if self.sigmas_form else 1.0

    def x0(self, prediction: Tensor, sample: Tensor, predicts: str) -> Tensor | None:
        if predicts == "flow_prediction":
            return sample - self.sigma * prediction
        if predicts == "epsilon" and self.alpha:
            return (sample - self.sigma * prediction) / self.alpha
        if predicts == "v_prediction":
            return self.alpha * sample - self.sigma * prediction
        return prediction if predicts == "sample" else None


class Watched:
    """A pipeline's own scheduler, which shows every step that it did; an answer is the state to go on from instead."""

    def __init__(self, own: Any, show: Show) -> None:
        self.__dict__.update(_own=own, _show=show, _index=0, _asked=inspect.signature(own.step))
        # pipelines ask by these signatures what a scheduler can be told
        self.__dict__["step"] = _signed(own.step, self._step)
        self.__dict__["set_timesteps"] = _signed(own.set_timesteps, self._set_timesteps)

    @property
    def __class__(self) -> Any:  # some pipelines ask for the class of their scheduler
        return type(self._own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._own, name, value)

    def _set_timesteps(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["_index"] = 0
        self._own.set_timesteps(*args, **kwargs)

    def _step(self, *args: Any, **kwargs: Any) -> Any:
        asked = self._asked.bind(*args, **kwargs).arguments
        prediction, sample, index = asked["model_output"], asked["sample"], self._index
        total = len(self._own.timesteps)
        level = _level(self._own, index, asked.get("timestep"))
        answer = self._own.step(*args, **kwargs)
        self.__dict__["_index"] = index + 1
        after = answer[0] if isinstance(answer, tuple) else answer.prev_sample
        following = _level(self._own, index + 1, None) if index + 1 < total else Level(1.0, 0.0)
        x0_pred = _guess(answer, after)
        if x0_pred is None and level is not None and isinstance(prediction, Tensor):
            x0_pred = level.x0(_of_state(prediction, sample), sample, _predicts(self._own))
        left = (total - index) / total  # where the scheduler does not say its levels
        shown = Stepped(
            index,
            total,
            sample * (level.shown if level else 1.0),
            after * (following.shown if following else 1.0),
            x0_pred,
            level.ratio if level else left,
            following.ratio if following else left - 1 / total,
        )
        told = self._show(shown)
        return answer if told is None else _instead(answer, told.to(after))


class Led:
    """A scheduler whose steps come from outside: it shows what the network said and takes the next state as answer.

    States are in the network's own form, of variance 1 at pure noise. A sampler of ours decides the levels that are
    visited; `path` is there once the pipeline has set its timesteps.
    """

    order = 1
    init_noise_sigma = 1.0

    def __init__(self, own: Any, show: Show, request: TextToImageRequest) -> None:
        self._own, self._show, self._request = own, show, request
        self._index = 0
        self.process: Process | None = None
        self.path: NoisePath | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_own"], name)

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        timesteps: Any = None,
        sigmas: Any = None,
        mu: float | None = None,
        **more: Any,
    ) -> None:
        asked = self._request
        self.process = _process(self._own, mu, to_the_end=sigmas is None)
        self.path = self.process.path(
            1,
            **asked.schedule.path_settings(asked.sampler),
            num_inference_steps=asked.num_inference_steps,
        )
        self._index = 0
        told = dict(zip(self.path.sigmas.tolist(), self.path.timesteps.tolist(), strict=False))
        visited = _visited(asked.sampler, self.path.sigmas, asked.eta)
        times = [told[sigma] if sigma in told else self.process.timestep(sigma) for sigma in visited]
        self.timesteps = torch.tensor(times, dtype=torch.float32, device=device)
        scales = [sigma * self.process.scale(sigma) for sigma in (*visited, 0.0)]
        self.sigmas = torch.tensor(scales, dtype=torch.float32, device=device)
        self.num_inference_steps = len(visited)

    def held(self, x0_pred: Tensor) -> Tensor:
        """The guess within the range that the pipeline's own scheduler would hold it in."""
        config = self._own.config
        reach = float(config.get("clip_sample_range", 1.0)) if config.get("clip_sample") else 0.0
        return x0_pred.clamp(-reach, reach) if reach else x0_pred

    def set_begin_index(self, begin_index: int = 0) -> None:
        pass

    def scale_model_input(self, sample: Tensor, timestep: Any = None) -> Tensor:
        return sample

    def step(self, model_output: Tensor, timestep: Any, sample: Tensor, return_dict: bool = True, **more: Any) -> Any:
        index = self._index
        self._index += 1
        after = self._show(StepQuestion(index, sample, _of_state(model_output, sample))).to(sample)
        if return_dict:
            return libs.function("diffusers.schedulers.scheduling_ddim", "DDIMSchedulerOutput")(after, after)
        return after, after


class Passing:
    """The scheduler of another stage, which only ends the call where nobody wants more."""

    def __init__(self, own: Any, alive: Callable[[], None]) -> None:
        def step(*args: Any, **kwargs: Any) -> Any:
            alive()
            return own.step(*args, **kwargs)

        self._own, self.step = own, _signed(own.step, step)

    @property
    def __class__(self) -> Any:
        return type(self.__dict__["_own"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_own"], name)


def _signed(own: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """Ours under the other's signature."""

    def method(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    method.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    return method


def _visited(sampler: str, sigmas: Tensor, eta: float) -> list[float]:
    """The levels at which that sampler will ask for a guess, in order: found by walking it over nothing."""
    asked: list[float] = []

    def nothing(x: Tensor, sigma: float) -> Tensor:
        asked.append(sigma)
        return x

    for _step in SAMPLERS[sampler](nothing, torch.zeros(1), sigmas, torch.zeros_like, eta):
        pass
    return asked


def _process(own: Any, mu: float | None, to_the_end: bool) -> Process:
    """What a scheduler's config says of its network's noise. `mu`: how far the pipeline shifts a flow's steps."""
    config = dict(own.config)
    if not is_flow(type(own).__name__, config):
        return trained_process(config)
    if "flow_shift" in config:
        config |= {"shift": config["flow_shift"]}
    process: FlowProcess = flow_process(config, to_the_end)
    if mu is None or not config.get("use_dynamic_shifting"):
        return replace(process, dynamic=None)
    linear = config.get("time_shift_type") == "linear"
    return replace(process, shift=float(mu) if linear else math.exp(float(mu)), dynamic=None)


def _predicts(own: Any) -> str:
    flow = is_flow(type(own).__name__, dict(own.config))
    return own.config.get("prediction_type") or ("flow_prediction" if flow else "epsilon")


def _level(own: Any, index: int, timestep: Any) -> Level | None:
    """The level of the state before step `index`; None where the scheduler does not say it."""
    sigmas, alphas_cumprod = getattr(own, "sigmas", None), getattr(own, "alphas_cumprod", None)
    if sigmas is not None and index < len(sigmas):
        sigma = float(sigmas[index])
        if is_flow(type(own).__name__, dict(own.config)):
            return Level(1 - sigma, sigma)
        if alphas_cumprod is None or float(own.init_noise_sigma) != 1:
            return Level(1.0, sigma, sigmas_form=True)
        return Level(vp_scale(sigma), sigma * vp_scale(sigma))
    if alphas_cumprod is None:
        return None
    timestep = own.timesteps[index] if timestep is None else timestep
    kept = float(alphas_cumprod[int(timestep)])
    return Level(math.sqrt(kept), math.sqrt(1 - kept))


def _guess(answer: Any, after: Tensor) -> Tensor | None:
    """The guess of the clean latents, where the scheduler says one."""
    if isinstance(answer, tuple):
        said = answer[1] if len(answer) > 1 else None
    else:
        said = getattr(answer, "pred_original_sample", None)
        said = getattr(answer, "denoised", None) if said is None else said
    return said if isinstance(said, Tensor) and said.shape == after.shape else None


def _of_state(prediction: Tensor, sample: Tensor) -> Tensor:
    """Without the variance that some networks predict beside."""
    return prediction[:, : sample.shape[1]] if prediction.ndim == 4 else prediction


def _instead(answer: Any, state: Tensor) -> Any:
    """The same kind of answer with that state and guess."""
    if isinstance(answer, tuple):
        return tuple(state if isinstance(part, Tensor) and part.shape == state.shape else part for part in answer)
    return type(answer)(
        **{k: state if isinstance(v, Tensor) and v.shape == state.shape else v for k, v in answer.items()}
    )
