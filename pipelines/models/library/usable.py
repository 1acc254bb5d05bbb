"""What a request calls a file of the library, or why it can call it nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pipelines import places
from pipelines.errors import Sentence
from pipelines.files import naming
from pipelines.models import folders, vaes
from pipelines.models.addons import files
from pipelines.models.library.entry import Entry

MODELS = ("pipeline", "checkpoint", "denoiser")
_ADDONS = {
    "lora": files.LORA,
    "textual_inversion": files.EMBEDDING,
    "controlnet": files.CONTROL,
    "ip_adapter": files.IP_ADAPTER,
    "image_encoder": files.IMAGE_ENCODER,
    "upscaler": files.UPSCALER,
}
_NAMES: Mapping[str, Callable[[], Mapping[Path, str]]] = {
    **dict.fromkeys(MODELS, folders.by_path),
    "vae": vaes.by_path,
    **{name: partial(files.by_path, kind) for name, kind in _ADDONS.items()},
}
_FOLDERS = {
    **dict.fromkeys(MODELS, places.FOLDERS[places.CHECKPOINTS][1]),
    "vae": places.FOLDERS[places.VAES][0],
    **{name: places.FOLDERS[kind.place][0] for name, kind in _ADDONS.items()},
}


class Called:
    """What requests call files, each kind looked for once."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[Path, str]] = {}

    def name(self, entry: Entry) -> str:
        """What a request calls it; "" where it cannot be chosen."""
        kind = entry.found.kind
        if kind not in _NAMES:
            return ""
        if kind not in self._known:
            self._known[kind] = _NAMES[kind]()
        names = self._known[kind]
        return names.get(entry.path) or names.get(entry.path.parent.resolve() / entry.path.name, "")

    def fault(self, entry: Entry) -> Sentence:
        """Why a file that is sound cannot be chosen; "" where it can, or where nobody chooses files of its kind."""
        kind = entry.found.kind
        if entry.found.unusable or kind not in _NAMES or self.name(entry):
            return Sentence("")
        place = entry.path.relative_to(entry.root.path).as_posix() if entry.path != entry.root.path else entry.path.name
        if why := naming.fault(place) or (files.fault(files.LORA, place) if kind == "lora" else Sentence("")):
            return why
        if entry.root.whose == "cache":
            return Sentence("The hub's cache is not searched. Copy it to models/{folder}.", folder=_FOLDERS[kind])
        if entry.path.is_symlink():
            return Sentence("It is a link that leads out of its folder. Put the file itself there.")
        return Sentence(
            "Nothing of its kind is looked for in its folder. Move it to models/{folder}.", folder=_FOLDERS[kind]
        )
