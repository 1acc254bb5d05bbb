"""The parts that a checkpoint of one file often lacks, in the folders where other tools keep them too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines import places
from pipelines.errors import BadFile, Sentence
from pipelines.files import naming, plain
from pipelines.models import strangers
from pipelines.models.checkpoints import tokenizer_files
from pipelines.models.library import companions as kinds
from pipelines.models.strangers import MOST_TOKENIZER_BYTES, Shapes

TOKENIZERS = ("tokenizers/t5", "tokenizer_t5", "text_encoders/tokenizer_t5")
WANTED = {
    # architecture.part -> what the recogniser calls it, and what people know its file as
    "flux.vae": ("flux", "ae.safetensors"),
    "flux.text_encoder": ("clip-l", "clip_l.safetensors"),
    "flux.text_encoder_2": ("t5", "t5xxl_fp16.safetensors"),
    "sd3.vae": ("flux", "sd3_vae.safetensors"),
    "sd3.text_encoder": ("clip-l", "clip_l.safetensors"),
    "sd3.text_encoder_2": ("clip-g", "clip_g.safetensors"),
    "sd3.text_encoder_3": ("t5", "t5xxl_fp16.safetensors"),
    "pixart.text_encoder": ("t5", "t5xxl_fp16.safetensors"),
    "sd.vae": ("sd1", "vae-ft-mse-840000-ema-pruned.safetensors"),
    "sd.text_encoder": ("clip-l", "clip_l.safetensors"),
    "sdxl.vae": ("sd1", "sdxl_vae.safetensors"),
    "sdxl.text_encoder": ("clip-l", "clip_l.safetensors"),
    "sdxl.text_encoder_2": ("clip-g", "clip_g.safetensors"),
}


def find(architecture: str, part: str, t5_width: int = 0) -> Path | None:
    """A file that can stand for the part: one called as the part usually is, else the first of its kind.

    `t5_width` is the width of the words that the denoiser reads from T5.
    """
    kind, usual = WANTED.get(f"{architecture}.{part}", ("", ""))
    if kind == "t5" and _t5_folder() is None:
        return None
    stem = usual.split(".")[0].split("_fp")[0]
    files = [
        path
        for path in _files(places.VAES if part == "vae" else places.TEXT_ENCODERS)
        if _is(path, kind, stem, t5_width)
    ]
    return next((path for path in files if stem in path.stem), files[0] if files else None)


def missing(name: str, architecture: str, part: str) -> Sentence:
    """What to do about a part that lies nowhere."""
    kind, usual = WANTED[f"{architecture}.{part}"]
    folder = "models/vae" if part == "vae" else "models/text_encoders"
    if kind != "t5":
        return Sentence(
            "{name} comes without its {part}. Put {usual} into {folder}.",
            name=name[:60],
            part=part,
            usual=usual,
            folder=folder,
        )
    return Sentence(
        "{name} comes without its {part}. Put {usual} into {folder} and T5's tokenizer (spiece.model or "
        "tokenizer.json) into models/tokenizers/t5.",
        name=name[:60],
        part=part,
        usual=usual,
        folder=folder,
    )


def t5_tokenizer() -> Any:
    """Raises BadFile where it is not there or damaged."""
    folder = _t5_folder()
    if folder is None:
        raise BadFile("T5's tokenizer is missing. Put its spiece.model or tokenizer.json into models/tokenizers/t5.")
    tokenizer = tokenizer_files.opened(folder, "models/tokenizers/t5")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = "<pad>"
    return tokenizer


def _t5_folder() -> Path | None:
    for folder in places.roots():
        for place in TOKENIZERS:
            files = [folder / place / name for name in ("tokenizer.json", "spiece.model")]
            if any(plain.is_regular(file) and file.stat().st_size <= MOST_TOKENIZER_BYTES for file in files):
                return folder / place
    return None


def _files(kind: str) -> Iterator[Path]:
    for home in places.of(kind):
        for folder in naming.below(home):
            yield from (folder.path / name for name in folder.names if naming.is_weights(name) and folder.has(name))


def _is(path: Path, kind: str, stem: str, t5_width: int) -> bool:
    try:
        shapes: Shapes = strangers.check_safetensors(path)
    except BadFile:
        return False
    if found := kinds.vae(shapes):
        return found.architecture == kind
    if kind == "t5":
        return shapes.get("shared.weight", (0,))[-1] == t5_width
    found = kinds.encoder(shapes)
    return found is not None and found.architecture in (kind, "clip" if stem in path.stem else kind)
