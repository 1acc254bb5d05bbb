"""The names that a request can choose from: registered, or in a folder of the user."""

from pipelines.models.addons import files
from pipelines.requests.addons import NO_CONTROL, NO_REFERENCE
from pipelines.requests.limits import OWN_UPSCALER
from pipelines.theory.betas import BETA_SCHEDULES
from pipelines.theory.path import MODEL
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.sigmas import SIGMA_SCHEDULES


def sampler_names() -> tuple[str, ...]:
    return tuple(SAMPLERS)


def beta_schedule_names() -> tuple[str, ...]:
    """The one that the network was trained with, and all others."""
    return (MODEL, *BETA_SCHEDULES)


def sigma_schedule_names() -> tuple[str, ...]:
    return tuple(SIGMA_SCHEDULES)


def upscaler_names() -> tuple[str, ...]:
    """Ours, and those that lie in the folder of upscalers."""
    return (OWN_UPSCALER, *files.installed(files.UPSCALER))


def is_upscaler(name: str) -> bool:
    return name == OWN_UPSCALER or files.is_installed(files.UPSCALER, name)


def control_names() -> tuple[str, ...]:
    """No ControlNet, and those that are installed."""
    return (NO_CONTROL, *files.installed(files.CONTROL))


def is_control(name: str) -> bool:
    return name == NO_CONTROL or files.is_installed(files.CONTROL, name)


def ip_adapter_names() -> tuple[str, ...]:
    """No IP-Adapter, and those that are installed."""
    return (NO_REFERENCE, *files.installed(files.IP_ADAPTER))


def is_ip_adapter(name: str) -> bool:
    return name == NO_REFERENCE or files.is_installed(files.IP_ADAPTER, name)
