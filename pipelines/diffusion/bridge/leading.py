"""Which of our samplers a pipeline's own scheduler is, and whether ours can lead its steps; from its config alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.errors import BadRequest, Sentence
from pipelines.models.architectures import BETA_SCHEDULERS, FLOW_SCHEDULERS
from pipelines.models.info import ModelInfo
from pipelines.requests.text_to_image import TextToImageRequest

PREDICTIONS = ("epsilon", "v_prediction", "sample", "flow_prediction")
ALIKE = {
    "FlowMatchEulerDiscreteScheduler": "euler",
    "EulerDiscreteScheduler": "euler",
    "EulerAncestralDiscreteScheduler": "euler_ancestral",
    "HeunDiscreteScheduler": "heun",
    "FlowMatchHeunDiscreteScheduler": "heun",
    "DDIMScheduler": "ddim",
    "DDPMScheduler": "ddpm",
    "LCMScheduler": "lcm",
    "UniPCMultistepScheduler": "unipc",
    "LMSDiscreteScheduler": "lms",
    "KDPM2DiscreteScheduler": "dpm_2",
    "KDPM2AncestralDiscreteScheduler": "dpm_2_ancestral",
}
MULTISTEP = {"dpmsolver++": "dpmpp_2m", "sde-dpmsolver++": "dpmpp_2m_sde"}


def scheduler_class(info: ModelInfo) -> str:
    return info.classes["scheduler"]


def is_flow(name: str, config: Mapping[str, Any]) -> bool:
    """Whether the network learned a rectified flow."""
    return name.startswith("FlowMatch") or bool(config.get("use_flow_sigmas"))


def own_sampler(info: ModelInfo) -> str:
    """What the samplers of ours call the pipeline's own scheduler, "" where it is none of them."""
    name, config = scheduler_class(info), info.configs["scheduler"]
    if name == "DPMSolverMultistepScheduler" and config.get("solver_order", 2) == 2:
        return MULTISTEP.get(config.get("algorithm_type", "dpmsolver++"), "")
    if config.get("stochastic_sampling"):
        return ""
    return ALIKE.get(name, "")


def can_lead(info: ModelInfo) -> bool:
    """Whether our samplers can do what the pipeline's scheduler does: they need to know what its network predicts."""
    name, config = scheduler_class(info), info.configs["scheduler"]
    if config.get("thresholding") or config.get("invert_sigmas"):
        return False
    flow = is_flow(name, config)
    predicts = config.get("prediction_type", "flow_prediction" if flow else "epsilon")
    known = name in FLOW_SCHEDULERS or name in BETA_SCHEDULERS
    return known and predicts in PREDICTIONS and (predicts == "flow_prediction") <= flow


def leads(info: ModelInfo, request: TextToImageRequest) -> tuple[bool, str]:
    """Whether a sampler of ours leads the steps, and a note where the pipeline's own does though another was named.

    Raises BadRequest for a sampler that this pipeline cannot have.
    """
    own, plain = own_sampler(info), request.schedule.plain
    if request.sampler == own and plain:
        return False, ""
    if can_lead(info):
        return True, ""
    if request.sampler in (own, TextToImageRequest.sampler):
        note = Sentence(
            "This pipeline samples with its own {scheduler}, so sampler changes nothing.",
            scheduler=scheduler_class(info),
        )
        return False, "" if request.sampler == own else note
    only = own or TextToImageRequest.sampler
    raise BadRequest(
        "{pipeline} samples with its own {scheduler}, which {sampler} cannot take the place of. Set sampler to {only}.",
        pipeline=info.pipeline,
        scheduler=scheduler_class(info),
        sampler=request.sampler,
        only=only,
    )
