"""Which accelerators the machine has, which of them this torch can use, and what to do where the two differ."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines import libs
from pipelines.device.memory import free_memory, total_memory
from pipelines.errors import BadRequest, Sentence

_INSTALL = "pip install --force-reinstall torch==2.13.0"
_INDEX = "--index-url https://download.pytorch.org/whl"
PREFERENCE = ("cuda", "xpu", "mps", "cpu")


@dataclass(frozen=True)
class Machine:
    """What was found: the cards that the system has and the devices that torch can compute on.

    cards    -- of "nvidia", "amd", "intel", "apple", as their drivers show them
    devices  -- of "cuda", "xpu", "mps", each as often as torch counts it; AMD's cards are "cuda" to torch. The CPU is
                always there
    built_for-- what this torch was built for: "cuda", "rocm", "xpu" or "" for neither
    too_old  -- the name of the card that torch sees but has no code for, or ""
    """

    system: str = "Linux"
    cards: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    built_for: str = ""
    too_old: str = ""


Probe = Callable[[], Machine]


def probe() -> Machine:
    """Look at this machine. Imports torch and asks the driver's own tools, at most a few seconds."""
    torch = libs.torch()
    xpu = hasattr(torch, "xpu") and torch.xpu.is_available()
    old = _card_without_code(torch) if torch.cuda.is_available() else ""
    cuda = torch.cuda.is_available() and not old
    counts = {
        "cuda": torch.cuda.device_count() if cuda else 0,
        "xpu": torch.xpu.device_count() if xpu else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    built = "cuda" if torch.version.cuda else "rocm" if torch.version.hip else "xpu" if torch.version.xpu else ""
    return Machine(
        system=platform.system(),
        cards=tuple(name for name, found in _CARDS.items() if found()),
        devices=tuple(name for name in PREFERENCE for _ in range(counts.get(name, 0))),
        built_for=built,
        too_old=old,
    )


def choose(machine: Machine, wanted: str | None) -> tuple[str, ...]:
    """The devices to compute on: all of the best kind there is, all of the kind that was asked for, or those that were
    named, with a comma between them. Raises BadRequest.

    One that has no brothers goes by its kind alone.
    """
    kinds = tuple(dict.fromkeys((*machine.devices, "cpu")))
    asked = (
        (kinds[0],) if wanted is None or wanted == "auto" else tuple(filter(None, wanted.replace(" ", "").split(",")))
    )
    chosen = dict.fromkeys(name for one in asked for name in _all_of(machine, one, kinds))
    if not chosen:
        raise _unknown(machine, wanted or "", kinds)
    return tuple(chosen)


def _all_of(machine: Machine, asked: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    kind, colon, number = asked.partition(":")
    count = machine.devices.count(kind)
    if kind not in kinds or (colon and not (number.isascii() and number.isdecimal() and len(number) < 4)):
        raise _unknown(machine, asked, kinds)
    if number and kind != "cpu" and int(number) >= count:
        here = ", ".join(_all_of(machine, kind, kinds))
        raise BadRequest("There is no device {got!r}. Of this kind there are: {here}.", got=asked[:40], here=here)
    if number:
        return (f"{kind}:{int(number)}",)
    return (kind,) if count < 2 else tuple(f"{kind}:{i}" for i in range(count))


def _unknown(machine: Machine, wanted: str, kinds: tuple[str, ...]) -> BadRequest:
    refusal = Sentence("device must be one of auto, {known}; got {got!r}.", known=", ".join(kinds), got=wanted[:40])
    idle = hint(machine)
    return BadRequest("{refusal} {hint}", refusal=refusal, hint=idle) if idle else BadRequest(refusal)


def hint(machine: Machine) -> str:
    """One sentence on how to use a card that lies idle; empty where there is nothing to mend."""
    if machine.devices:
        return ""
    if machine.too_old:
        return (
            f"This torch has no code for your {machine.too_old}, so the CPU is used; "
            f"an older build may have it: {_INSTALL} {_INDEX}/cu126"
        )
    return next((_mend(card, machine) for card in machine.cards if _mend(card, machine)), "")


def _mend(card: str, machine: Machine) -> str:
    if card == "nvidia" and machine.built_for == "cuda":
        return (
            "There is an NVIDIA card, but its driver is too old for this torch or does not answer, so the CPU is used; "
            "update the driver (nvidia-smi shows its version) and start again."
        )
    if card == "nvidia" and machine.system in ("Linux", "Windows"):
        return (
            f"There is an NVIDIA card, but this torch was built without CUDA; mend it with: {_INSTALL} {_INDEX}/cu130"
        )
    if card == "amd" and machine.system == "Linux" and machine.built_for != "rocm":
        return f"There is an AMD card, but this torch was built without ROCm; mend it with: {_INSTALL} {_INDEX}/rocm7.2"
    if card == "intel" and machine.system in ("Linux", "Windows") and machine.built_for != "xpu":
        return f"There is an Intel card, but this torch was built without XPU; mend it with: {_INSTALL} {_INDEX}/xpu"
    if card == "apple":
        return (
            "There is an Apple GPU, but this Python or torch cannot use it; "
            f"in a Python built for arm64 run: {_INSTALL}"
        )
    return ""


def name_of(device: str) -> str:
    """What people call the device."""
    kind = device.split(":")[0]
    if kind in ("cuda", "xpu"):
        return getattr(libs.torch(), kind).get_device_name(device)
    if kind == "mps":
        return "Apple GPU"
    return platform.processor() or platform.machine() or "CPU"


def memory_of(device: str) -> tuple[int, int]:
    """(free, total) bytes of the device; a GPU without memory of its own shares the machine's."""
    torch = libs.torch()
    kind = device.split(":")[0]
    if kind in ("cuda", "xpu"):
        return getattr(torch, kind).mem_get_info(device)
    if kind == "mps":
        most = torch.mps.recommended_max_memory()
        return min(free_memory(), most - torch.mps.driver_allocated_memory()), most
    return free_memory(), total_memory()


def dtype_of(device: str):
    """The torch dtype that models run in: half precision where the device is fast and safe with it."""
    torch = libs.torch()
    kind = device.split(":")[0]
    if kind == "cuda":
        if torch.cuda.get_device_capability(device) >= (8, 0):
            return torch.bfloat16
        # GTX 16xx cards give NaN in float16: their own fault, known to every program of this kind.
        return torch.float32 if "GTX 16" in name_of(device) else torch.float16
    return {"xpu": torch.bfloat16, "mps": torch.float16}.get(kind, torch.float32)


def _card_without_code(torch) -> str:
    """The name of the first CUDA card if it is older than anything this torch was compiled for, or ""."""
    arches = [int("".join(c for c in arch[3:] if c.isdigit())) for arch in torch.cuda.get_arch_list() if "sm_" in arch]
    capability = int("{}{}".format(*torch.cuda.get_device_capability(0)))
    old = bool(arches) and capability < min(arches)  # ROCm lists no sm_
    return torch.cuda.get_device_name(0) if old else ""


def _has_nvidia() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):  # hidden on purpose
        return False
    cards = Path("/proc/driver/nvidia/gpus")
    return (cards.is_dir() and any(cards.iterdir())) or "GPU 0" in _output("nvidia-smi", "-L")


def _has_amd() -> bool:
    return Path("/dev/kfd").exists() and (Path("/opt/rocm").exists() or shutil.which("rocminfo") is not None)


def _has_intel() -> bool:
    return "Device" in _output("xpu-smi", "discovery")


def _has_apple() -> bool:
    if platform.system() != "Darwin":
        return False
    # Under Rosetta machine() says x86_64 although the chip is Apple's.
    return platform.machine() == "arm64" or _output("sysctl", "-n", "sysctl.proc_translated").strip() == "1"


_CARDS = {"nvidia": _has_nvidia, "amd": _has_amd, "intel": _has_intel, "apple": _has_apple}


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
