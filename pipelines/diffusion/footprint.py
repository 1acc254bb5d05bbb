"""How much memory a request will need, told before it starts: weights, one evaluation, decoding, against what is free.

The weights are counted in the files' headers. What is alive during an evaluation and a decoding grows with the number
of latent pixels and the network's width, and the factors below are measured by benchmarks/footprint.py on networks of
the real sizes (their shapes only, with attention that keeps no table of pairs, as fused kernels do). The libraries'
own workspaces and what a driver keeps for itself come on top: SLACK.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines import libs
from pipelines.device import hardware
from pipelines.device.manager import DeviceManager
from pipelines.device.memory import free_memory
from pipelines.device.native import judged, session
from pipelines.diffusion.bridge import asked
from pipelines.diffusion.decoding_cost import COUNTLESS, DECODER, SLACK, decoding_bytes
from pipelines.errors import OutOfMemory
from pipelines.models import graphs, strangers, vaes
from pipelines.models.addons import files, loras
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.faults import as_bad_file
from pipelines.models.info import ModelInfo
from pipelines.models.sizes import latent_factor
from pipelines.requests.loras import all_loras
from pipelines.requests.text_to_image import TextToImageRequest

NETWORK = {"sd": 26.1, "sdxl": 16.0, "sd3": 12.5, "flux": 15.5, "pixart": 12.2}
"""Elements alive at the peak of one evaluation, a row: of UNets a latent pixel and a channel of the first block, of
transformers a token and a channel."""
PROMPT_TOKENS = {"sd3": 333, "flux": 512}
TILE = 64
PICTURE_BYTES = 6
"""A pixel of each finished picture: painted, and beside the others of its job."""
MASKED_BYTES = 40
"""A pixel of a whole picture of which only what is masked is painted."""
PIECE = 0.03
"""The share of a network's weights that lies on the device when its layers visit one by one."""


@dataclass(frozen=True)
class Estimate:
    """Bytes: of the weights, of one evaluation, of one decoding; what the way of working needs at most; what is free.

    `way` is the step of the ladder that would be taken (see pipelines/device/placement.py) in small letters, "more"
    where one evaluation is not known and comes on top, or "none" where not even the smallest fits. `sentence` says it
    in English. `pipeline` names the one that paints through the bridge, and `untold` the fields that it cannot use.
    """

    weights: int
    network: int
    decoding: int
    needed: int
    free: int
    way: str
    sentence: str
    pipeline: str = ""
    untold: tuple[str, ...] = ()


SAID = {
    "whole": "",
    "tiles": "; decoding goes by tiles",
    "visits": "; text encoders and decoder wait in main memory",
    "leaves": "; the network's layers wait in main memory, which is slow",
    "main_memory": "; the CPU does the work, which is slow",
    "none": "; it would not fit, choose a smaller size or model",
}


MORE = " for the weights; what the pipeline needs while it paints comes on top"
"""The same of pipelines behind the bridge, that would fit."""


def estimate(info: ModelInfo, request: TextToImageRequest, devices: DeviceManager) -> Estimate:
    """What the request would need of the device, and how it would be worked on there."""
    item = libs.torch().empty((), dtype=devices.dtype).element_size()
    parts = part_bytes(info, item)
    free = _free(devices)
    if info.bridged:
        return _of_bridged(info, request, sum(parts.values()), free, devices.budget_bytes, item)
    width, height = largest_size(request)
    tile = request.tile or max(width, height)
    network = network_bytes(info, min(width, tile), min(height, tile), devices.device, item)
    decoding = decoding_bytes(*_decoder(info, request), width, height, item)
    side = TILE * latent_factor(info)
    piece = min(decoding, decoding_bytes(*_decoder(info, request), side, side, item))
    added = added_bytes(request, item) + process_bytes(info, devices.device)
    ladder = _ladder(parts, info.network, network + added, decoding + added, piece + added)
    ways = {name: ladder[name] for name in _allowed(devices)}
    fits = (name for name, (lies, most) in ways.items() if most <= free and lies <= devices.budget_bytes)
    way = next(fits, "none")
    needed = ways[way][1] if way in ways else min(most for _, most in ways.values())
    sentence = f"about {_amount(needed)} of {_amount(free)}{SAID[way]}."
    return Estimate(sum(parts.values()) + added, network, decoding, needed, free, way, sentence)


def refuse_what_does_not_fit(info: ModelInfo, request: TextToImageRequest, devices: DeviceManager) -> None:
    """Raises OutOfMemory where an evaluation or a decoding, without any weights, takes more than there is of memory in
    the smallest way of working: main memory that ran out would end the studio, not the job."""
    free = _free(devices) if devices.device != "cpu" else 0
    free = max(free, free_memory() + _held(devices))
    width, height = largest_size(request)
    item = libs.torch().empty((), dtype=devices.dtype).element_size()
    needed = _of_pictures(request)
    if not info.bridged:
        tile = request.tile or max(width, height)
        network = network_bytes(info, min(width, tile), min(height, tile), devices.device, item)
        side = TILE * latent_factor(info)
        piece = decoding_bytes(*_decoder(info, request), min(side, width), min(side, height), item)
        needed += max(network, piece)
    if needed > free:
        raise OutOfMemory(
            "{width} x {height} takes {needed} while it is painted, and {free} are free. Choose a smaller size or "
            "fewer pictures, or set tile.",
            width=width,
            height=height,
            needed=_amount(needed),
            free=_amount(free),
        )


def _of_pictures(request: TextToImageRequest) -> int:
    """Bytes of the finished pictures, and of a start picture that is put under a mask."""
    start = request.picture("image") if request.start.mask_image and request.inpainting.only_masked else None
    width, height = largest_size(request)
    pixels = width * height if start is None else start.shape[0] * start.shape[1]
    return pixels * (PICTURE_BYTES * request.count + (0 if start is None else MASKED_BYTES))


def _free(devices: DeviceManager) -> int:
    return hardware.memory_of(devices.device)[0] + _held(devices)


def _held(devices: DeviceManager) -> int:
    """Bytes of models that nobody uses, which go when there is need."""
    return sum(int(str(model["bytes"])) for model in devices.loaded() if not model["leases"])


def _of_bridged(
    info: ModelInfo, request: TextToImageRequest, weights: int, free: int, budget: int, item: int
) -> Estimate:
    """Of a pipeline whose networks are not known here: its weights, which all lie on the device, and its decoding where
    that is by a decoder that is. So it is the least that is needed."""
    kind = info.classes.get("vae", "")
    known = kind in DECODER
    decoding = decoding_bytes(kind, info.configs["vae"], request.width, request.height, item) if known else 0
    needed = weights + decoding
    way = "more" if needed <= free and weights <= budget else "none"
    sentence = f"at least {_amount(needed)} of {_amount(free)}{SAID.get(way, MORE)}."
    return Estimate(weights, 0, decoding, needed, free, way, sentence, info.pipeline, asked.unusable(info))


def _amount(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{math.ceil(count / 1e6)} MB"


def _allowed(devices: DeviceManager) -> tuple[str, ...]:
    """The steps that the device and the setting leave."""
    if devices.device.split(":")[0] == "cpu":
        return ("whole", "tiles") if devices.memory == "auto" else ("tiles",)
    names = ("whole", "tiles", "visits", "leaves", "main_memory")
    return names[{"auto": 0, "balanced": 2, "low": 3}[devices.memory] :]


def _ladder(
    parts: Mapping[str, int], network_part: str, network: int, decoding: int, tile: int
) -> dict[str, tuple[int, int]]:
    """Of each step the bytes of weights that lie on the device, and the most that is needed at one time."""
    everything, unet, vae = sum(parts.values()), parts[network_part], parts["vae"]
    readers = everything - unet - vae
    piece = int(PIECE * unet)
    most = max(network, vae + tile)
    return {
        "whole": (everything, everything + max(network, decoding)),
        "tiles": (everything, everything + max(network, tile)),
        "visits": (unet, unet + max(most, min(readers, most))),  # encoders that find no room work in main memory
        "leaves": (piece, piece + most),
        "main_memory": (0, 0),
    }


def part_bytes(info: ModelInfo, item: int) -> dict[str, int]:
    """The weights of each part in memory, where each number takes `item` bytes."""
    return {part: item * sum(map(strangers.numbers_in, paths)) for part, paths in info.weights.items()}


def process_bytes(info: ModelInfo, device: str) -> int:
    """Of the native process that computes the model's networks on a CPU; 0 where there is none."""
    here = device.split(":")[0] == "cpu" and judged.hands_over() and judged.installed()
    exported = graphs.shipped(info) if here else {}
    return session.memory_of(sum(graph.nbytes for graph in exported.values())) if exported else 0


def largest_size(request: TextToImageRequest) -> tuple[int, int]:
    """Width and height of the larger pass, a border beyond the start picture included."""
    return request.final_size()


def added_bytes(request: TextToImageRequest, item: int) -> int:
    """The weights of what the request puts beside the model: LoRAs of its field and of its prompt, a ControlNet, an
    IP-Adapter. What they compute is not counted. Raises NotFound, BadFile, BadRequest."""
    libs.torch()
    from pipelines.diffusion.addons import lora_size

    named = {path for lora in all_loras(request) if (path := loras.find(lora.name)[0]) is not None}
    wanted = [(files.CONTROL, unit.model) for unit in request.used_controls()]
    wanted += [(files.IP_ADAPTER, unit.model) for unit in request.used_references()]
    others = {files.find(kind, name) for kind, name in wanted}
    return item * (sum(map(lora_size.numbers, named)) + sum(map(strangers.numbers_in, others)))


def network_bytes(info: ModelInfo, width: int, height: int, device: str, item: int) -> int:
    """Alive at the peak of one evaluation, with all rows of a batch."""
    libs.torch()
    from pipelines.diffusion.bundle import rows_of_a_batch

    pixels = (width // latent_factor(info)) * (height // latent_factor(info))
    rows = rows_of_a_batch(device.split(":")[0], pixels)
    config = info.configs[info.network]
    with as_bad_file(COUNTLESS, f"{info.network}/config.json", config):
        once, a_row = _numbers(info.architecture, config, pixels)
        return int(SLACK * (NETWORK[info.architecture] * rows * a_row + once) * item)


def _numbers(architecture: str, config: Mapping[str, Any], pixels: int) -> tuple[int, int]:
    """How many numbers of a network are there once, and how many more with each row of a batch, in its own unit."""
    if ARCHITECTURES[architecture].network == "unet":
        return 0, pixels * config.get("block_out_channels", [320])[0]
    across = config.get("num_attention_heads", 16) * config.get("attention_head_dim", 64)
    a_row = (pixels // 4 + PROMPT_TOKENS.get(architecture, 0)) * across
    return (config.get("pos_embed_max_size") or 0) ** 2 * across, a_row  # SD3's table of places is copied each time


def _decoder(info: ModelInfo, request: TextToImageRequest) -> tuple[str, Mapping[str, Any]]:
    if request.vae == vaes.AUTOMATIC:
        return info.classes["vae"], info.configs["vae"]
    other = vaes.inspect(vaes.find(request.vae))
    return other.kind, other.config
