"""Noise schedules and the forward process by the name that other programs rely on; they live in pipelines/theory."""

from pipelines.theory.betas import (
    BETA_SCHEDULES,
    BetaSchedule,
    beta_schedule,
    drawn,
    make_betas,
    respaced,
    zero_terminal_snr,
)
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS, SIGMA_SCHEDULES, SigmaSchedule, sigma_schedule

__all__ = [
    "BETA_SCHEDULES",
    "SIGMA_SCHEDULES",
    "SIGMA_SCHEDULE_LABELS",
    "BetaSchedule",
    "DiffusionProcess",
    "SigmaSchedule",
    "beta_schedule",
    "drawn",
    "make_betas",
    "respaced",
    "sigma_schedule",
    "zero_terminal_snr",
]
