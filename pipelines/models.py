"""Which models are here, and whether one is sound: looked over before any library loads it.

A model is a diffusers folder or a safetensors file of an architecture that pipelines/architectures knows, or a folder
of any other text-to-image pipeline of diffusers, which runs through the bridge (pipelines/bridge), in a folder of
`pipelines.places`. Whoever made it is a stranger: only known classes, sizes within bounds, safetensors whose header is
true, and no link that leads out of the folder.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines import places, plain_files, strangers
from pipelines.architectures import ARCHITECTURES, Architecture, of_pipeline
from pipelines.bridge import BRIDGE
from pipelines.errors import BadFile, NotFound
from pipelines.files import sha256_of
from pipelines.library import disk
from pipelines.library.disk import Names
from pipelines.library_faults import as_bad_file
from pipelines.plain_files import Folder

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+\[\]-]{0,127}")

WITHOUT_TEXT = ("DDPMPipeline", "DDIMPipeline")
UNSAID = 1024  # the side of the pictures of models whose config says none, as FLUX's
WEIGHT_STEMS = {"unet": "diffusion_pytorch_model", "transformer": "diffusion_pytorch_model"}
WEIGHT_STEMS |= {"vae": "diffusion_pytorch_model"}  # the text encoders' are called "model"


@dataclass(frozen=True)
class ModelInfo:
    """A model that passed: where it is, what it is made of, and how many bytes of weights it holds.

    `weights`: the files of each part, several where it is cut into shards. `configs`: each part's, the scheduler's, and
    model_index.json itself under "model_index".
    """

    name: str
    folder: Path
    architecture: str
    classes: Mapping[str, str]
    weights: Mapping[str, tuple[Path, ...]]
    weight_bytes: int
    configs: Mapping[str, dict[str, Any]] = field(repr=False)

    @property
    def bridged(self) -> bool:
        """Whether diffusers' own pipeline paints, and not a loop of ours (see pipelines/bridge)."""
        return self.architecture == BRIDGE

    @property
    def pipeline(self) -> str:
        """What diffusers calls it; "" for a checkpoint of one file."""
        return str(self.configs.get("model_index", {}).get("_class_name", ""))

    @property
    def network(self) -> str:
        """The part that denoises."""
        if not self.bridged:
            return ARCHITECTURES[self.architecture].network
        named = (name for name in ("transformer", "unet", "decoder") if name in self.weights)
        return next(named, next(iter(self.weights)))


def installed() -> tuple[str, ...]:
    """Names of the models that are here, folders and files, sound or not, in order."""
    return tuple(sorted(_NAMES.now()))


def is_installed(name: str) -> bool:
    """Whether it is one of `installed()`."""
    return name in _NAMES


def _named() -> Iterator[tuple[str, Path]]:
    """Folders of diffusers and checkpoints of one file."""
    for home in places.of(places.CHECKPOINTS):
        for folder in disk.walk(home, 1):
            if folder.depth == 0:
                yield from _files_and_links(folder)
            elif folder.has("model_index.json") and not _is_without_text(folder.path):
                yield folder.path.name, folder.path


def _files_and_links(folder: Folder) -> Iterator[tuple[str, Path]]:
    for name in folder.names:
        path = folder.path / name
        if path.suffix == ".safetensors" and folder.has(name):
            yield path.stem, path
        elif name in folder.regular:
            continue
        elif plain_files.is_regular(path / "model_index.json") and not _is_without_text(path):
            yield name, path


_NAMES = Names(lambda: ((name, path) for name, path in _named() if SAFE_NAME.fullmatch(path.name)))


def _is_without_text(folder: Path) -> bool:
    """Whether it is a pipeline for the families' room, which takes no prompt."""
    try:
        with plain_files.open_regular(folder / "model_index.json") as file:
            start = file.read(strangers.MOST_JSON_BYTES)
    except OSError:
        return False
    return any(f'"{name}"'.encode() in start for name in WITHOUT_TEXT)


def find(name: str) -> Path:
    """The folder or file of a model by its name; never a path from outside."""
    if SAFE_NAME.fullmatch(name):
        for folder in places.of(places.CHECKPOINTS):
            if plain_files.is_regular(folder / name / "model_index.json"):
                return folder / name
            if plain_files.is_regular(folder / f"{name}.safetensors"):
                return folder / f"{name}.safetensors"
    here = ", ".join(installed()[:8]) or "none"
    raise NotFound(f"model {name[:40]!r} is not installed; installed are: {here}. Put its folder or file under models.")


def inspect(place: Path) -> ModelInfo:
    """Look a model's folder or file over without loading it. Raises BadFile with what is wrong and what to do."""
    with as_bad_file(f"{place.name[:60]} is not laid out as a model is. Copy it again or choose another."):
        if place.is_dir():
            info = _inspect_folder(place)
        else:
            from pipelines.checkpoints import single_file

            info = single_file.inspect(place)
        _check_shape(info)
        return info


def _check_shape(info: ModelInfo) -> None:
    """Raises BadFile where the configs say no size of pictures."""
    label = f"{info.network}/config.json"
    with as_bad_file("the model's configs say no size of its pictures.", label, info.configs[info.network]):
        if not all(side >= 1 for side in native_shape(info)):
            raise ValueError("sample_size")


def _inspect_folder(folder: Path) -> ModelInfo:
    strangers.refuse_links_out(folder)
    index = strangers.read_json(folder / "model_index.json")
    architecture = of_pipeline(str(index.get("_class_name")))
    if architecture is None:
        from pipelines.bridge import folder as bridged

        return bridged.inspect(folder, index)
    classes = _classes(index, architecture)
    configs = {
        part: strangers.read_json(folder / part / "config.json") for part in architecture.weighty if part in classes
    }
    configs["scheduler"] = strangers.read_json(folder / "scheduler" / "scheduler_config.json")
    for part, config in configs.items():
        strangers.check_config(f"{part}/{'scheduler_config' if part == 'scheduler' else 'config'}.json", config)
    if configs[architecture.network].get("addition_embed_type") == "text_time" and architecture.name != "sdxl":
        raise BadFile("unet/config.json sets addition_embed_type, which needs inputs besides a prompt. Choose another.")
    for part in architecture.tokenizers:
        if part in classes:
            _check_tokenizer(folder, part)
    weights = {
        part: strangers.weight_files(folder, part, WEIGHT_STEMS.get(part, "model"))
        for part in architecture.weighty
        if part in classes
    }
    for path in (path for files in weights.values() for path in files):
        strangers.check_safetensors(path)
    total = sum(path.stat().st_size for files in weights.values() for path in files)
    return ModelInfo(folder.name, folder, architecture.name, classes, weights, total, configs | {"model_index": index})


def _check_tokenizer(folder: Path, part: str) -> None:
    names = ("tokenizer.json", "vocab.json", "spiece.model")
    if not any((folder / part / name).is_file() for name in names):
        raise BadFile(f"{part}/tokenizer.json is missing from the model folder; copy the whole folder again.")
    if (folder / part / "tokenizer_config.json").is_file():
        strangers.refuse_code(
            f"{part}/tokenizer_config.json", strangers.read_json(folder / part / "tokenizer_config.json")
        )
    for file in (folder / part).iterdir():
        if file.suffix in (".json", ".txt", ".model") and file.stat().st_size > strangers.MOST_TOKENIZER_BYTES:
            raise BadFile(f"{part}/{file.name} is larger than any real one; get the model from another source.")


def native_shape(info: ModelInfo) -> tuple[int, int]:
    """Width and height in pixels of the pictures that the model was trained on."""
    if info.bridged:
        from pipelines.bridge import asked

        return asked.native_shape(info)
    vae = info.configs["vae"]
    blocks = vae.get("block_out_channels") or vae["decoder_block_out_channels"]
    size = info.configs[info.network].get("sample_size") or UNSAID // 2 ** (len(blocks) - 1)
    down, across = size if isinstance(size, list) else (size, size)
    return int(across) * 2 ** (len(blocks) - 1), int(down) * 2 ** (len(blocks) - 1)


def native_size(info: ModelInfo) -> int:
    """The longer side of that."""
    return max(native_shape(info))


def identity(info: ModelInfo) -> str:
    """What tells this state of a model's files from any other, without reading them."""
    stats = [path.stat() for files in info.weights.values() for path in files]
    return f"{info.name}@{hash(tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)) & 2**64 - 1:x}"


def model_hash(info: ModelInfo) -> str:
    """First ten hex digits of the SHA-256 of the network's weights; counted once for each state of the files."""
    files = info.weights[info.network]
    stats = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return _hash(files, stats)


@functools.lru_cache(maxsize=64)
def _hash(files: tuple[Path, ...], stats: tuple[tuple[int, int], ...]) -> str:
    return sha256_of(files)[:10]


def _classes(index: dict[str, Any], architecture: Architecture) -> dict[str, str]:
    """Component -> class name, all of them known."""
    classes: dict[str, str] = {}
    for part, known in architecture.parts.items():
        entry = index.get(part)
        library, name = entry if isinstance(entry, list) and len(entry) == 2 else (None, None)
        if name is None and part in architecture.optional:
            continue
        if library not in ("diffusers", "transformers") or name not in known:
            allowed = ", ".join(sorted(known)[:4])
            raise BadFile(f"{part} in model_index.json must be one of {allowed}; got {str(name)[:60]}.")
        classes[part] = str(name)
    return classes
