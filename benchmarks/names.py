"""How far apart the same sampler and spacing end here and in other tools, on the same noise, where their levels differ.

Levels are theirs by their formulas (docs/SAMPLERS.md); all else is equal: the embedded model, a prompt, guidance 5,
draws of noise. The figure is ||theirs - ours|| / ||ours|| of the final latents, the median of two seeds.
"""

import math
import statistics
from collections.abc import Callable

import numpy as np
import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease
from pipelines.diffusion.run import Run
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import LOG_SIGMA_MAX
from pipelines.theory.samplers import SAMPLERS

SEEDS, STEPS = range(2), 20
Levels = Callable[[np.ndarray, int], np.ndarray]


def at(sigmas: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.exp(np.interp(t, np.arange(len(sigmas)), np.log(sigmas)))


def a1111_sgm_uniform(sigmas: np.ndarray, n: int) -> np.ndarray:
    return np.append(at(sigmas, np.linspace(len(sigmas) - 1, 0, n + 1)[:-1]), 0)


def a1111_kl_optimal(sigmas: np.ndarray, n: int) -> np.ndarray:
    return np.tan(np.linspace(math.atan(sigmas[-1]), math.atan(sigmas[0]), n + 1))


def a1111_ddim(sigmas: np.ndarray, n: int) -> np.ndarray:
    return sigmas[1 :: len(sigmas) // n][::-1]


def full(sigmas: np.ndarray, n: int) -> np.ndarray:
    return np.append(np.linspace(sigmas[-1] ** (1 / 7), sigmas[0] ** (1 / 7), n) ** 7, 0)


def exponential(sigmas: np.ndarray, n: int) -> np.ndarray:
    return np.append(np.exp(np.linspace(math.log(sigmas[-1]), math.log(sigmas[0]), n)), 0)


ROWS: tuple[tuple[str, str, str, str, Levels], ...] = (
    # what is held against which sampler and spacing of ours, and the sampler and the levels there
    ("SGM Uniform in AUTOMATIC1111 and ComfyUI", "dpmpp_2m", "path", "dpmpp_2m", a1111_sgm_uniform),
    ("KL Optimal in AUTOMATIC1111", "dpmpp_2m", "kl_optimal", "dpmpp_2m", a1111_kl_optimal),
    ("the sampler DDIM of AUTOMATIC1111", "ddim", "ddim_uniform", "ddim", a1111_ddim),
    ("DPM2 Karras with all levels, as in diffusers", "dpm_2", "karras", "dpm_2", full),
    ("DPM++ 3M SDE exact beside DPM++ 3M SDE", "dpmpp_3m_sde", "exponential", "dpmpp_3m_sde_exact", exponential),
)


def latents(run: Run, sampler: str, sigmas: np.ndarray) -> torch.Tensor:
    start = run.noise() * float(np.hypot(1, sigmas[0]))
    *_, last = SAMPLERS[sampler](run.denoiser, start, torch.from_numpy(sigmas.copy()), lambda like: run.noise())
    return last.x


def apart(sampler: str, spacing: str, other: str, theirs: Levels, devices: DeviceManager) -> list[float]:
    shares = []
    for seed in SEEDS:
        request = TextToImageRequest.of(
            prompt="a red fox in the snow",
            sampler=sampler,
            sigma_schedule=spacing,
            seed=seed,
            num_inference_steps=STEPS,
            guidance_scale=5.0,
        )
        with lease(models.inspect(models.find(request.model)), devices) as model, torch.no_grad():
            run, again = (Run.prepare(request, model, devices) for _ in range(2))
            abar = model.process.alphas_cumprod.double().numpy()
            known = np.sqrt((1 - abar) / abar)
            known = known[known < math.exp(LOG_SIGMA_MAX)]
            ours = latents(run, sampler, run.path.sigmas.numpy())
            shares.append(float((latents(again, other, theirs(known, STEPS)) - ours).norm() / ours.norm()))
    return shares


def main() -> None:
    devices = DeviceManager()
    print(
        f"| the same name, other levels ({STEPS} steps) | final latents apart | worst of {len(SEEDS)} |\n|---|---|---|"
    )
    rows = {name: apart(sampler, spacing, other, levels, devices) for name, sampler, spacing, other, levels in ROWS}
    for name, shares in rows.items():
        print(f"| {name} | {100 * statistics.median(shares):.1f} % | {100 * max(shares):.1f} % |")


if __name__ == "__main__":
    main()
