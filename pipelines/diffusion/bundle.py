"""A model in memory: prompt -> what its network is told, rows -> prediction, latents -> pixels.

What all architectures share stands here; how each reads a prompt and is asked, in pipelines/diffusion/architectures.
"""

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from pipelines.device import turns
from pipelines.device.evaluations import Network, Note, unheard
from pipelines.device.placement import FIRST, SAID, Placement, Way, separate
from pipelines.diffusion.conditions import PictureContext, Words
from pipelines.diffusion.decoding import Decoder
from pipelines.diffusion.native import Native, NativeNetwork
from pipelines.diffusion.preview import LinearPreview, fitted_preview, sd1_preview
from pipelines.errors import BadFile, BadRequest, Sentence
from pipelines.models import strangers
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections
from pipelines.prompts.embedding import Frame, word_places
from pipelines.theory.process import Process

KEPT_PROMPTS = 64
LARGEST_PREVIEW_PATCH = 16


@dataclass(frozen=True)
class Reading:
    """The tokenizer whose tokens are counted, how many of them are read at once, and how many times."""

    tokenizer: str
    length: int
    chunks: int = 1

    def frame(self, tokenizer: Any) -> Frame:
        return Frame.of(tokenizer, min(tokenizer.model_max_length, self.length))


class Bundle:
    """Text encoders, network and autoencoder of one model. Encoding and decoding hold a lock: fast tokenizers are not
    safe in two threads, and each prompt and each picture goes through alone, so that company cannot change it."""

    network_part: ClassVar[str]
    handle: ClassVar[Callable[[Any, str, int], Network]]
    """What asks the network: made of that part, a key, and the rows of every call."""
    patch: ClassVar[int] = 1
    """Latent pixels along one side of what the network sees as one."""
    skips_layers: ClassVar[bool] = False
    """Whether clip_skip changes what is read."""

    def __init__(self, info: ModelInfo, parts: Mapping[str, Any], tokenizers: Mapping[str, Any]) -> None:
        self.info, self._parts, self._tokenizers = info, dict(parts), dict(tokenizers)
        self.vae = self.part("vae")
        self.key = info.name
        self.placement = Placement(self._parts, self.network_part)
        turns.open_between(self.placement.network)
        turns.open_between(self.vae)
        self.process = self._process()
        self._lock = threading.Lock()
        self._beside: dict[bool, Mapping[str, Tensor]] = {False: {}, True: {}}  # by whether it is the negative prompt
        self._prompts: OrderedDict[tuple[Sections, str, int], Words] = OrderedDict()
        self._assemble()
        self.native = Native.of(info, parts)
        self.preview = self._preview()

    def part(self, name: str) -> Any:
        """A part with weights; None where the model does without it."""
        return self._parts.get(name)

    def words(self, name: str) -> Any:
        """The tokenizer of that ending: "", "_2", "_3"."""
        return self._tokenizers.get(f"tokenizer{name}")

    def with_parts(self, parts: Mapping[str, Any], key: str, tokenizers: Mapping[str, Any] | None = None) -> "Bundle":
        """The same model with other parts in place of some of its own, and with all else shared, its lock as well.
        `key` must be another where the network is another."""
        variant = copy.copy(self)
        variant._parts = self._parts | dict(parts)
        variant._tokenizers = self._tokenizers | dict(tokenizers or {})
        variant._prompts = OrderedDict()
        variant.key = key
        variant._assemble()
        return variant

    def with_conditions(self, beside: Mapping[str, Tensor], negative: Mapping[str, Tensor] | None = None) -> "Bundle":
        """The same model, whose network is told this as well with every prompt; with negative ones perhaps another."""
        variant = copy.copy(self)
        away = beside if negative is None else negative
        variant._beside = {False: {**self._beside[False], **beside}, True: {**self._beside[True], **away}}
        return variant

    # what each architecture says of itself

    def _assemble(self) -> None:
        """Takes the parts in hand. Raises BadFile where they do not fit together."""
        raise NotImplementedError

    def _process(self) -> Process:
        raise NotImplementedError

    @property
    def latent_channels(self) -> int:
        raise NotImplementedError

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        """Which tokenizer says how long a prompt is, and how much is read."""
        raise NotImplementedError

    @property
    def distilled(self) -> bool:
        """Whether the network is told the guidance scale, so that it is asked once a step and not twice."""
        return False

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        """A text with weights through the text encoders, without the last `skip` layers where they are CLIP's."""
        raise NotImplementedError

    def _extra_conditions(self, drawn: PictureContext, negative: bool) -> dict[str, Tensor]:
        """What the network is told besides the prompt."""
        return {}

    # what they share

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for part in self._parts.values() for p in (*part.parameters(), *part.buffers()))

    @property
    def device(self) -> torch.device:
        """Where the work is done; some parts may wait elsewhere (see pipelines/device/placement.py)."""
        return self.placement.device

    @property
    def dtype(self) -> torch.dtype:
        return self.part(self.network_part).dtype

    def to(self, device: Any, way: Way = Way.WHOLE) -> "Bundle":
        with self._lock:
            self.placement.settle(device, way)
            self.preview = self.preview.to(self.device)
            self._prompts.clear()
        return self

    def ways(self, device: str, memory: str) -> tuple[Way, ...]:
        """The ladder from where the setting begins it. On the CPU nothing is gained by moving weights."""
        if not separate(device):
            return (Way.WHOLE if memory == "auto" else Way.TILES,)
        return tuple(way for way in Way if way >= FIRST[memory] and way is not Way.TILES)

    def nbytes_on_device(self, way: Way) -> int:
        return self.placement.nbytes(way)

    def nbytes_beside(self, device: str) -> int:
        """Of the native process, which works where the device is the CPU."""
        return 0 if self.native is None or separate(device) else self.native.nbytes

    def do_without_beside(self) -> None:
        """Where there is no room for a process, torch works."""
        self.native = None

    def native_of(self, part: str) -> NativeNetwork | None:
        """The native way of a part that lies whole in main memory; None where it has none."""
        whole = self.placement.way in (Way.WHOLE, Way.TILES) and not separate(self.device)
        return self.native.networks.get(part) if self.native is not None and whole else None

    @property
    def notes(self) -> tuple[str, ...]:
        """The way of working, where it is not the usual one."""
        way = self.placement.way
        return (SAID[way],) if way in SAID else ()

    def make_room(self) -> None:
        """Send all but the network away, and end the native process, unless they are at work. For whoever ran out of
        memory."""
        if self.native is not None:
            self.native.session.rest()
        if self._lock.acquire(blocking=False):
            try:
                self.placement.send_visitors_away()
            finally:
                self._lock.release()

    def shrink(self, key: str) -> str:
        """Let the network of that key work in the next smaller way, and say which; "" where it is not or cannot."""
        if key.rpartition(":")[0] == self.key and self.placement.shrink_network():
            return SAID[self.placement.way]
        return ""

    @property
    def latent_factor(self) -> int:
        """Pixels along one side of a latent pixel."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def paints_into_masks(self) -> bool:
        """Whether the network was trained to paint into a mask: it sees x, the mask, and the picture outside of it."""
        return self.part(self.network_part).config.get("in_channels") == 2 * self.latent_channels + 1

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        f = self.latent_factor * self.patch
        if width % f or height % f:
            raise BadRequest(
                "width and height must be multiples of {factor} for this model; got {width} and {height}.",
                factor=f,
                width=width,
                height=height,
            )
        return self.latent_channels, height // self.latent_factor, width // self.latent_factor

    def network(self, shape: tuple[int, int, int]) -> Network:
        """The network at one size of latents (C, h, w)."""
        rows = rows_of_a_batch(self.device.type, shape[1] * shape[2])
        return type(self).handle(self.part(self.network_part), f"{self.key}:{shape[1]}x{shape[2]}", rows)

    def condition(self, sections: Sections, weighting: str, drawn: PictureContext, negative: bool = False) -> Words:
        """All that the network is told of one picture. `negative`: it is what guidance pushes away from."""
        words = self._nothing(sections) if negative else None
        words = words or self.read(sections, weighting, drawn.clip_skip - 1)
        with torch.inference_mode():
            told = self._extra_conditions(drawn, negative)
        return Words({**words.condition, **told, **self._beside[negative]}, words.left_out)

    def _nothing(self, sections: Sections) -> Words | None:
        """A negative prompt that this model does not read as words; None where it does."""
        return None

    def read(self, sections: Sections, weighting: str, skip: int = 0) -> Words:
        """A text with weights through the text encoders; the last ones are kept."""
        asked = (sections, weighting, skip)
        with self._lock, torch.inference_mode():
            if asked not in self._prompts:
                self._prompts[asked] = self._read_by_visitors(*asked)
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(asked)
            return self._prompts[asked]

    def _read_by_visitors(self, sections: Sections, weighting: str, skip: int) -> Words:
        readers = [name for name in self._parts if name.startswith("text_encoder")]
        with self.placement.visit(*readers):
            words = self._read(sections, weighting, skip)
        return Words({name: told.to(self.device) for name, told in words.condition.items()}, words.left_out)

    def word_places(self, sections: Sections) -> tuple[tuple[str, int, int], ...]:
        """What stands at which positions, [from, to), of the first chunk of a prompt as its tokenizer reads it."""
        reading = self.reading(self.info)
        tokenizer = self._tokenizers[reading.tokenizer]
        with self._lock:
            return word_places(sections, tokenizer, reading.frame(tokenizer))

    @property
    def most_tokens(self) -> int:
        """How much of a prompt is read: chunks of what a text encoder can take at once."""
        reading = self.reading(self.info)
        return reading.chunks * reading.frame(self._tokenizers[reading.tokenizer]).room

    def encode_picture(self, picture: np.ndarray) -> Tensor:
        """uint8 (H, W, 3) -> latents (C, h, w) in the network's own scale: the most likely ones, without a draw."""
        image = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1  # (1, 3, H, W) in [-1, 1]
        with self._lock, torch.inference_mode(), self.placement.visit("vae"):
            latents = _encoded(self.vae.encode(image.to(self.vae.device, self.vae.dtype)))[0].float().to(self.device)
        if not torch.isfinite(latents).all():
            raise BadRequest("this model's encoder turned the picture into NaN. Choose another picture or model.")
        return (latents - self._shift) * self.vae.config.scaling_factor

    def decode(self, latents: Tensor, note: Note = unheard) -> np.ndarray:
        """Latents (C, h, w) of one picture in the network's own scale -> uint8 (H, W, 3).

        `note` is told in words when memory or float16 forced another way. Raises NotDecoded, BadRequest.
        """
        return self.decoder.picture(latents, note)

    @property
    def decoder(self) -> Decoder:
        scale, native = self.vae.config.scaling_factor, self.native_of("vae")
        return Decoder(self.vae, self.placement, self._lock, scale, self._shift, native)

    def _decode(self, latents: Tensor) -> Tensor:
        return self.vae.decode(self.decoder.unscaled(latents).to(self.vae.dtype), return_dict=False)[0]

    @property
    def _shift(self) -> float:
        """The mean of the autoencoder's own latents, where its config says one."""
        return self.vae.config.get("shift_factor") or 0.0

    def _preview(self) -> LinearPreview:
        file = self.info.folder / "preview.safetensors"
        channels = self.latent_channels
        if file.is_file():
            return _preview_from(file, channels)
        config = self.vae.config
        if channels == 4 and len(config.block_out_channels) == 4 and abs(config.scaling_factor - 0.18215) < 1e-6:
            return sd1_preview()
        with torch.inference_mode():
            return fitted_preview(self._decode, channels, self.device)

    @staticmethod
    def check_equal(what: Sentence, one: int, other: int) -> None:
        if one != other:
            raise BadFile(
                "{what} must be equal; got {one} and {other}. The model mixes parts of two models.",
                what=what,
                one=one,
                other=other,
            )

    @staticmethod
    def check_vocabulary(tokenizer: Any, text_encoder: Any) -> None:
        if len(tokenizer) > text_encoder.config.vocab_size:
            raise BadFile(
                "the tokenizer has {number} tokens, the text encoder only {vocab_size}. The model mixes parts of "
                "two models.",
                number=len(tokenizer),
                vocab_size=text_encoder.config.vocab_size,
            )


def _encoded(output: Any) -> Tensor:
    """Latents as each kind of autoencoder says them: AutoencoderKL, AutoencoderTiny, AutoencoderDC."""
    if hasattr(output, "latent_dist"):
        return output.latent_dist.mode()
    return output.latents if hasattr(output, "latents") else output.latent


def rows_of_a_batch(device_type: str, latent_pixels: int) -> int:
    """How many rows every call of the network has. On a CPU the two of one picture with guidance, as padding costs more
    than a larger batch gains; large latents do not gain at all. Cards compute small latents of many rows in one go."""
    if device_type == "cpu":
        return 2 if latent_pixels <= 256 else 1
    return 16 if latent_pixels <= 256 else 4 if latent_pixels <= 1024 else 2


def _preview_from(file: Any, channels: int) -> LinearPreview:
    shapes = strangers.check_safetensors(file)
    match shapes.get("weight"), shapes.get("bias"):
        case (c, columns), (also,) if c == channels and columns == also <= 3 * LARGEST_PREVIEW_PATCH**2:
            tensors = safetensors.torch.load_file(str(file))
            return LinearPreview(tensors["weight"].float(), tensors["bias"].float())
    raise BadFile(
        "preview.safetensors must hold weight ({channels}, 3*p*p) and bias (3*p*p); remove the file.", channels=channels
    )
