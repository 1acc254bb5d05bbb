"""Patterns that read strangers' words take time in proportion to them, however often their beginning is repeated."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.files import naming
from pipelines.models.library import adapters
from pipelines.requests import names
from pipelines.store import infotext

PIECES = ("a", "a:", 'ab:"', 'ab:"\\"', "ab: ", "a ", "[", "[]", "1.", "\n", "Steps: 1, ", '\\"', "_", "é", "f0: ")
READERS: dict[str, Callable[[str], object]] = {
    "infotext": lambda text: list(infotext._PAIR.finditer(text)),
    "sampler": names.sampler,
    "model": lambda text: naming.meant(text, {"one": Path("one.safetensors")}),
    "negative words": lambda text: re.findall(r"\[([^\[\]]*)\]", text),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", PIECES)
def test_a_repeated_beginning_takes_linear_time(reader: str, piece: str):
    start = time.process_time()
    READERS[reader]('ab:"' + piece * (60_000 // len(piece)))
    assert time.process_time() - start < 3


@pytest.mark.parametrize("piece", ["self_attn.q_proj", "transformer_blocks.1", "blocks.", "layers.1"])
def test_a_tensors_name_of_any_length_is_recognised_in_linear_time(piece: str):
    start = time.process_time()
    adapters.lora_base({"text_encoder." + piece * (400_000 // len(piece)): (4, 4)})
    assert time.process_time() - start < 3


def test_a_loras_width_of_text_is_still_found():
    name = "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight"
    assert adapters._text_width({name: (4, 768)}) == 768
    assert adapters._text_width({name.replace("q_proj", "k_proj"): (4, 768)}) == 0
