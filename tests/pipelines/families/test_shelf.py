"""A trained family as a file: what comes back is what was saved but for eight bits, and nothing else is let in."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines import families
from pipelines.data import sets
from pipelines.errors import BadFile, NotFound
from pipelines.families import Sampling, shelf
from pipelines.families.learning import base_noise, build
from pipelines.models import packed

SMALL: dict[str, dict[str, Any]] = {
    "gan": {"width": 72, "latent": 3},
    "vae": {"width": 72, "latent": 3},
    "vq": {"width": 16, "grid": 4, "codes": 16, "prior_width": 16},
    "flow": {"width": 64, "couplings": 2},
    "diffusion": {"width": 72},
    "flow-matching": {"width": 72},
}


def trained(family: str) -> Any:
    """Of digits, with weights of all sizes where an untrained one has zeros."""
    torch.manual_seed(0)
    model = build(family, sets.get("digits"), SMALL[family]).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += 0.02 * torch.randn(parameter.shape)
    return model


def made(model: nn.Module) -> Tensor:
    with torch.no_grad():
        *_, last = model.states(base_noise(model, 0, 4), torch.arange(4), Sampling(4))
    return last.x


def about(**other: Any) -> dict[str, str]:
    return {"about": json.dumps({"family": "gan", "data": "digits", "options": SMALL["gan"], **other})}


def test_every_family_has_a_file_here() -> None:
    assert set(SMALL) == set(families.names())


@pytest.mark.parametrize("family", SMALL)
def test_what_comes_back_is_what_was_saved_but_for_rounding(family: str, tmp_path: Path) -> None:
    model = trained(family)
    file = shelf.save(model, family, "digits", SMALL[family], tmp_path)
    shipped = shelf.load("digits", family, tmp_path)
    assert (shipped.family, shipped.data.name) == (family, "digits")
    assert not shipped.model.training and not any(p.requires_grad for p in shipped.model.parameters())
    before, after = model.state_dict(), shipped.model.state_dict()
    assert before.keys() == after.keys()
    for name, weight in before.items():
        assert after[name].dtype == weight.dtype
        largest = weight.abs().max() if weight.ndim < 2 else weight.abs().flatten(1).amax(1, keepdim=True)
        error = (after[name] - weight).abs()
        error = error if weight.ndim < 2 else error.flatten(1)
        assert (error <= largest * 0.6 / packed.LARGEST + 1e-6).all(), name
    assert file.stat().st_size < 0.8 * sum(weight.nbytes for weight in before.values())


@pytest.mark.parametrize("family", sorted(set(SMALL) - {"vq"}))
def test_a_packed_model_makes_nearly_the_same(family: str, tmp_path: Path) -> None:
    model = trained(family)
    shelf.save(model, family, "digits", SMALL[family], tmp_path)
    again = made(shelf.load("digits", family, tmp_path).model)
    expected = made(model)
    assert (again - expected).square().mean().sqrt() < 0.1 * expected.std()


def test_a_packed_flow_is_still_invertible(tmp_path: Path) -> None:
    """Its permutations are fixed numbers that its inverse relies on, and large enough here to be packed."""
    model = trained("flow")
    shelf.save(model, "flow", "digits", SMALL["flow"], tmp_path)
    shipped = shelf.load("digits", "flow", tmp_path).model
    x, labels = base_noise(model, 0, 5), torch.arange(5)
    with torch.no_grad():
        assert (shipped.inverse(shipped.encode(x, labels), labels) - x).abs().max() < 1e-4
    for name, weight in model.state_dict().items():
        if name.endswith("permutation"):
            assert torch.equal(shipped.state_dict()[name], weight) and len(weight) == 64


def test_large_matrices_are_eight_bits_and_the_rest_is_exact_enough() -> None:
    weights = {
        "large": torch.randn(64, 100),
        "few": torch.randn(3, 3),
        "row": torch.randn(9000),
        "count": torch.tensor(3),
    }
    made = packed.packed(weights)
    assert made["large"].dtype == torch.int8 and made["large" + packed.SCALE].shape == (64, 1)
    assert made["few"].dtype == made["row"].dtype == torch.float16 and made["count"].dtype == torch.int64
    assert packed.unpacked(made).keys() == weights.keys()
    nothing = packed.unpacked(packed.packed({"w": torch.zeros(64, 100)}))["w"]
    assert nothing.abs().max() == 0


def test_available_are_the_files_that_are_there(tmp_path: Path) -> None:
    assert shelf.available(tmp_path) == ()
    shelf.save(trained("gan"), "gan", "digits", SMALL["gan"], tmp_path)
    (tmp_path / "faces-gan.safetensors").write_bytes(b"")
    assert shelf.available(tmp_path) == (("digits", "gan"),)


@pytest.mark.parametrize("data, family", (("digits", "gan"), ("faces", "gan"), ("digits", "../gan"), ("../x", "vae")))
def test_what_is_not_there_is_not_found(data: str, family: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is shipped"):
        shelf.load(data, family, tmp_path)


def test_it_goes_where_the_studio_computes_and_takes_its_noise_along(tmp_path: Path) -> None:
    """`meta` stands for any other device: it has shapes, and refuses what lies elsewhere."""
    for family in ("gan", "vae", "flow"):
        shelf.save(trained(family), family, "digits", SMALL[family], tmp_path)
        shipped = shelf.load("digits", family, tmp_path)
        assert shipped.nbytes > 1000 and shipped.noise(3, 2).shape == (2, *shipped.model.z_shape)
        assert shipped.to("meta") is shipped and shipped.device.type == "meta"
        *_, last = shipped.model.states(shipped.noise(3, 2), torch.arange(2, device="meta"), Sampling(2))
        assert last.x.device.type == "meta" and last.x.shape == (2, 1, 8, 8)


def file_with(folder: Path, weights: dict[str, Tensor], metadata: dict[str, str] | None) -> None:
    save_file(weights, shelf.file_of("digits", "gan", folder), metadata)


def weights_of(family: str = "gan") -> dict[str, Tensor]:
    return packed.packed(trained(family).state_dict())


STRANGE_METADATA: dict[str, dict[str, str] | None] = {
    "none": None,
    "of another tool": {"format": "pt"},
    "not json": {"about": "{"},
    "a list": {"about": "[]"},
    "a number": {"about": "7"},
    "nothing in it": {"about": "{}"},
    "nested beyond measure": {"about": "[" * 100_000},
    "options that are none": about(options=[1, 2]),
    "another family": about(family="vae"),
    "another data set": about(data="icons"),
    "an unknown option": about(options={"wings": 2}),
    "a width in words": about(options={"width": "wide"}),
    "a negative width": about(options={"width": -8}),
    "no width": about(options={"width": 0}),
    "more width than there is memory": about(options={"width": 10**12}),
    "another width": about(options={"width": 16}),
    "its own shape": about(options={"shape": [2]}),
}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("name", STRANGE_METADATA)
def test_a_file_that_says_something_strange_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    file_with(tmp_path, weights_of(), STRANGE_METADATA[name])
    with pytest.raises(BadFile, match=r"\.$"):
        shelf.load("digits", "gan", tmp_path)


def less(weights: dict[str, Tensor]) -> None:
    weights.pop(next(iter(weights)))


def more(weights: dict[str, Tensor]) -> None:
    weights["more"] = torch.zeros(3)


def other_scale(weights: dict[str, Tensor]) -> None:
    name = next(name for name in weights if name.endswith(packed.SCALE))
    weights[name] = torch.ones(7, 1).half()


def scale_of_a_row(weights: dict[str, Tensor]) -> None:
    name = next(name for name, weight in weights.items() if weight.ndim == 1)
    weights[name + packed.SCALE] = torch.ones(1, 1).half()


@pytest.mark.parametrize("spoil", (less, more, other_scale, scale_of_a_row))
def test_weights_that_do_not_fit_are_refused_with_a_sentence(spoil: Any, tmp_path: Path) -> None:
    weights = weights_of()
    spoil(weights)
    file_with(tmp_path, weights, about())
    with pytest.raises(BadFile, match="does not fit"):
        shelf.load("digits", "gan", tmp_path)


def test_another_family_s_weights_are_refused_with_a_sentence(tmp_path: Path) -> None:
    file_with(tmp_path, weights_of("vae"), about())
    with pytest.raises(BadFile, match="does not fit"):
        shelf.load("digits", "gan", tmp_path)


def damaged(whole: bytes) -> dict[str, bytes]:
    (length,) = struct.unpack("<Q", whole[:8])
    return {
        "empty": b"",
        "cut within its header": whole[: length // 2],
        "cut within its weights": whole[:-10],
        "longer than it says": whole + b"more",
        "a pickle": pickle.dumps({"weights": [1, 2, 3]}),
        "a zip": b"PK\x03\x04" + bytes(100),
        "a header that is no text": whole[:12] + b"\xff\xfe\xfd" + whole[15:],
        "metadata of numbers": renamed(whole, {"__metadata__": {"about": 3}}),
        "an unknown dtype": renamed(
            whole, {"__metadata__": {}, "w": {"dtype": "F7", "shape": [2], "data_offsets": [0, 8]}}
        ),
    }


def renamed(whole: bytes, header: dict[str, Any]) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8 if "w" in header else 0)


@pytest.mark.parametrize("name", damaged(bytes(64)))
def test_a_damaged_file_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    file = shelf.save(trained("gan"), "gan", "digits", SMALL["gan"], tmp_path)
    assert load_file(file)
    file.write_bytes(damaged(file.read_bytes())[name])
    with pytest.raises(BadFile, match=r"\.$"):
        shelf.load("digits", "gan", tmp_path)
