"""The one door to the heavy libraries: imported when first needed, under one lock, because concurrent imports fail.

Two threads that import diffusers or transformers at the same moment get an ImportError from its lazy modules, and a
page that imports torch at start opens seconds later. So every module that is loaded at start asks here instead.
"""

import importlib
import os
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "OMP_WAIT_POLICY": "passive",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
}

DIFFUSERS_NAMES = (
    "AutoencoderKL",
    "AutoencoderDC",
    "AutoencoderTiny",
    "StableDiffusionPipeline",
    "UNet2DConditionModel",
    "UNet2DModel",
    "VQModel",
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "UniPCMultistepScheduler",
)
TRANSFORMERS_NAMES = ("CLIPTextConfig", "CLIPTextModel", "CLIPTokenizer", "PreTrainedTokenizerFast")

door = threading.RLock()
"""Held by whoever imports one of the libraries or lets it load a model: both import lazily and patch torch for that
time. What was fetched once is handed out without it, so nobody waits for somebody else's load."""

_modules: dict[str, ModuleType] = {}
_known: dict[tuple[str, tuple[str, ...]], SimpleNamespace] = {}


def prepare_environment() -> None:
    """Set what the libraries read when they are imported; what the user has set stays. Call this before all else."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def torch() -> ModuleType:
    return _module("torch")


def diffusers() -> SimpleNamespace:
    """The classes in DIFFUSERS_NAMES."""
    return _classes("diffusers", DIFFUSERS_NAMES)


def transformers() -> SimpleNamespace:
    """The classes in TRANSFORMERS_NAMES."""
    return _classes("transformers", TRANSFORMERS_NAMES)


def named(library: str, name: str) -> Any:
    """One class of diffusers or transformers, by name."""
    return getattr(_classes(library, (name,)), name)


def function(module: str, name: str) -> Any:
    """One function of a module of theirs that their front page does not show."""
    return getattr(_module(module), name)


def _module(name: str) -> ModuleType:
    if name not in _modules:
        with door:
            _modules[name] = importlib.import_module(name)
    return _modules[name]


def _classes(library: str, names: tuple[str, ...]) -> SimpleNamespace:
    if (library, names) not in _known:
        with door:
            _known[library, names] = _load(library, names)
    return _known[library, names]


def _load(library: str, names: tuple[str, ...]) -> SimpleNamespace:
    prepare_environment()
    importlib.import_module("torch")
    module = importlib.import_module(library)
    return SimpleNamespace(**{name: getattr(module, name) for name in names})
