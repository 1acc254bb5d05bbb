"""Begins a training with the weights of an earlier embedded model, whose tokenizer may be another.

The latents stay the earlier model's, so every layer of the UNet is taken as it is and its decoder stays right. A new
word begins as the mean of the pieces that the old tokenizer made of it.
"""

from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from pipelines.training.autoencoder import PatchTransform

TOKENS = "embeddings.token_embedding.weight"
POSITIONS = "embeddings.position_embedding.weight"


def transform_of(folder: Path) -> PatchTransform:
    """The patches' transform of the pipeline in `folder`: its preview is the inverse, whose columns are orthogonal."""
    preview = load_file(folder / "preview.safetensors")
    inverse = preview["weight"].T.float().contiguous()
    return PatchTransform(preview["bias"].float(), torch.linalg.pinv(inverse), inverse)


def take_over(unet: nn.Module, text: nn.Module, words: PreTrainedTokenizerFast, folder: Path) -> None:
    """Load the UNet and text encoder of the pipeline in `folder` into `unet` and `text`, in place.

    Raises `ValueError` if another layer than an embedding has another shape.
    """
    _load(unet, {name: weight.float() for name, weight in _weights(folder / "unet").items()})
    said = {
        name.removeprefix("text_model."): weight.float() for name, weight in _weights(folder / "text_encoder").items()
    }
    said[TOKENS] = _tokens(said[TOKENS], words, PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer"))
    said[POSITIONS] = _lengthened(said[POSITIONS], text.get_parameter(_own(text, POSITIONS)).shape[0])
    _load(text, {_own(text, name): weight for name, weight in said.items()})


def _weights(folder: Path) -> dict[str, Tensor]:
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def _own(text: nn.Module, name: str) -> str:
    """A parameter's name in this version of transformers."""
    return next(own for own, _ in text.named_parameters() if own.endswith(name))


def _tokens(old: Tensor, words: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast) -> Tensor:
    """(tokens, width) for the new tokenizer; words that the old one cannot spell begin as its mean."""
    mean, known = old.mean(dim=0), pieces.get_vocab()
    marks = {str(words.pad_token): old[cast(int, pieces.pad_token_id)], str(words.unk_token): mean}
    marks |= {mark: old[known[mark]] for mark in words.all_special_tokens if mark in known}
    rows = []
    for word in words.convert_ids_to_tokens(list(range(len(words)))):
        ids = pieces(word, add_special_tokens=False).input_ids
        rows.append(marks.get(word, old[ids].mean(dim=0) if ids else mean))
    return torch.stack(rows)


def _lengthened(positions: Tensor, length: int) -> Tensor:
    more = positions[-1:].expand(max(0, length - len(positions)), -1)
    return torch.cat([positions, more])[:length]


def _load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    own = module.state_dict()
    others = [name for name, weight in weights.items() if name in own and own[name].shape != weight.shape]
    absent = [name for name, _ in module.named_parameters() if name not in weights]
    if others or absent:
        raise ValueError(f"The earlier model has other layers: {', '.join((others + absent)[:5])}.")
    module.load_state_dict(weights, strict=False)
