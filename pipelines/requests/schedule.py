"""Which noise levels the steps visit: the schedule of beta_t, and how the steps are spaced on its path."""

from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest
from pipelines.params import Choice, Flag, Part, Range, param
from pipelines.requests.choices import beta_schedule_names, sigma_schedule_names
from pipelines.theory.path import MODEL
from pipelines.theory.samplers import DISCARD_PENULTIMATE


@dataclass(frozen=True)
class Schedule(Part):
    beta_schedule: str = param(
        MODEL,
        Choice(beta_schedule_names),
        "Where the steps are spent; 'model' is the network's own schedule.",
        infotext="Training noise schedule",
    )
    beta_start: float = param(
        0.0, Range(0, 0.999), "First beta of the schedule; 0 takes the schedule's own.", infotext="Training noise start"
    )
    beta_end: float = param(
        0.0, Range(0, 0.999), "Last beta of the schedule; 0 takes the schedule's own.", infotext="Training noise end"
    )
    num_train_timesteps: int = param(
        1000, Range(10, 4000), "How many betas the schedule has; not used by 'model'.", infotext="Training timesteps"
    )
    sigma_schedule: str = param(
        "path",
        Choice(sigma_schedule_names),
        "How the steps are spaced on the path of noise levels.",
        infotext="Sigma spacing",
    )
    discard_penultimate: bool = param(
        False,
        Flag(),
        "Takes the levels of one step more and leaves out the last one before 0; DPM2 always does.",
        infotext="Discard penultimate sigma",
    )

    def check(self) -> None:
        start, end = self.beta_start, self.beta_end
        if start and end and (start > end or start == end and self.beta_schedule != "constant"):
            raise BadRequest("beta_start must be less than beta_end; got {start:g} and {end:g}.", start=start, end=end)

    @property
    def plain(self) -> bool:
        """Whether it leaves all to the network's own schedule; num_train_timesteps is not used then."""
        own = not (self.beta_start or self.beta_end or self.discard_penultimate)
        return own and (self.beta_schedule, self.sigma_schedule) == (MODEL, Schedule.sigma_schedule)

    def path_settings(self, sampler: str) -> dict[str, Any]:
        """The keyword arguments of `Process.path` that it decides, for a sampler that may want other levels."""
        return {
            "beta_schedule": self.beta_schedule,
            "num_train_timesteps": self.num_train_timesteps,
            "beta_start": self.beta_start or None,
            "beta_end": self.beta_end or None,
            "sigma_schedule": self.sigma_schedule,
            "discard_penultimate": self.discard_penultimate or sampler in DISCARD_PENULTIMATE,
        }
