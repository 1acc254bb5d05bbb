"""The names that a request can choose from: registered, or in a folder of the user."""

from pipelines.models.addons import files
from pipelines.params import Choice
from pipelines.requests.limits import OWN_UPSCALER
from pipelines.theory.betas import BETA_SCHEDULES
from pipelines.theory.path import MODEL
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.sigmas import SIGMA_SCHEDULES

NO_CONTROL = "none"
NO_REFERENCE = "none"


def sampler_names() -> tuple[str, ...]:
    return tuple(SAMPLERS)


def beta_schedule_names() -> tuple[str, ...]:
    """The one that the network was trained with, and all others."""
    return (MODEL, *BETA_SCHEDULES)


def sigma_schedule_names() -> tuple[str, ...]:
    return tuple(SIGMA_SCHEDULES)


def _files(kind: files.Kind, own: str) -> Choice:
    """`own`, and the files of that kind that are installed."""
    return Choice(lambda: (own, *files.installed(kind)), lambda name: own if name == own else files.resolve(kind, name))


UPSCALERS = _files(files.UPSCALER, OWN_UPSCALER)
CONTROLS = _files(files.CONTROL, NO_CONTROL)
IP_ADAPTERS = _files(files.IP_ADAPTER, NO_REFERENCE)
