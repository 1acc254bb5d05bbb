"""Every kind of adapter by its published formula: what a model answers with a file of it beside its weights is what it
answers when W' of the formula takes the place of W. A strength s means W + s (W' - W), whatever the kind."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import lora, lora_size
from pipelines.models.checkpoints.original_names import ORIGINALS
from pipelines.models.library import scan
from pipelines.requests.loras import Wanted
from tests import original_layout, tiny_addons
from tests.lora_answers import answer, close, load, models_in, parts_of, with_loras

RANK, ALPHA = 3, 6.0
SCALE = ALPHA / RANK


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    models_in(folder, ("sd", "sdxl", "flux-dev", "sd3"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


class Draw:
    """Random tensors of a spread at which every term of a formula counts."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, spread: float = 0.3) -> Tensor:
        return torch.randn(*shape, generator=self._generator) * spread


Tensors = dict[str, Tensor]
Formula = Callable[[Tensor, Draw], tuple[Tensors, Tensor]]
"""W (out, in[, kh, kw]) -> the file's tensors of this module, by ending, and W'."""
FORMULAS: dict[str, Formula] = {}


def formula(function: Formula) -> Formula:
    FORMULAS[getattr(function, "__name__", "")] = function
    return function


def alpha() -> Tensors:
    return {"alpha": torch.tensor(ALPHA)}


@formula
def lora_product(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """LoRA, arXiv:2106.09685: W + alpha / r B A."""
    out, *inner = weight.shape
    down, up = draw(RANK, *inner), draw(out, RANK, *[1] * (len(inner) - 1))
    product = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    return {"lora_down.weight": down, "lora_up.weight": up, **alpha()}, weight + SCALE * product


@formula
def scale_instead_of_alpha(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """A1111's networks: `scale` stands for alpha / r, whatever alpha says."""
    tensors, _ = lora_product(weight, draw)
    product = (tensors["lora_up.weight"].flatten(1) @ tensors["lora_down.weight"].flatten(1)).reshape(weight.shape)
    return tensors | {"scale": torch.tensor(0.7)}, weight + 0.7 * product


@formula
def lora_in_tucker_form(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """LoCon with a core, arXiv:2108.06098 proposition 2: sum over i, j of core_ij x up_i x down_j."""
    if weight.dim() == 2:
        return lora_product(weight, draw)
    out, wide, *kernel = weight.shape
    down, up, core = draw(RANK, wide, 1, 1), draw(out, RANK, 1, 1), draw(RANK, RANK, *kernel)
    product = torch.zeros(weight.shape)
    for i in range(RANK):
        for j in range(RANK):
            product += core[i, j] * up[:, i, :, :, None, None].sum((1, 2))[:, None] * down[j].reshape(wide, 1, 1)
    names = ("lora_down.weight", "lora_up.weight", "lora_mid.weight")
    return dict(zip(names, (down, up, core), strict=True)) | alpha(), weight + SCALE * product


def hadamard(weight: Tensor, draw: Draw, rank: int) -> tuple[Tensors, Tensor]:
    """LoHa, arXiv:2309.14859 section 3: W + alpha / r (B1 A1) ∘ (B2 A2)."""
    out, wide = weight.flatten(1).shape
    halves = {f"hada_w{i}_a": draw(out, rank, spread=0.6) for i in (1, 2)}
    halves |= {f"hada_w{i}_b": draw(rank, wide, spread=0.6) for i in (1, 2)}
    one, other = (halves[f"hada_w{i}_a"] @ halves[f"hada_w{i}_b"] for i in (1, 2))
    return halves | alpha(), weight + ALPHA / rank * (one * other).reshape(weight.shape)


@formula
def loha_of_small_rank(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    return hadamard(weight, draw, 2)


@formula
def loha_of_large_rank(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    return hadamard(weight, draw, 12)


@formula
def loha_in_tucker_form(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """The same with a core in each half, arXiv:2108.06098: T x1 A x2 B; LyCORIS stores A and B as (r, ...)."""
    if weight.dim() == 2 or weight.shape[2] == 1:
        return hadamard(weight, draw, RANK)
    out, wide, *kernel = weight.shape
    tensors, halves = alpha(), []
    for i in (1, 2):
        a, b, core = draw(RANK, out, spread=0.6), draw(RANK, wide, spread=0.6), draw(RANK, RANK, *kernel, spread=0.6)
        tensors |= {f"hada_w{i}_a": a, f"hada_w{i}_b": b, f"hada_t{i}": core}
        halves.append((a.T @ core.permute(2, 3, 0, 1) @ b).permute(2, 3, 0, 1))
    return tensors, weight + SCALE * halves[0] * halves[1]


def factors(size: int) -> tuple[int, int]:
    """The two factors that are closest to one another, the smaller first."""
    first = next(d for d in range(math.isqrt(size), 0, -1) if size % d == 0)
    return first, size // first


def kronecker(weight: Tensor, draw: Draw, w1: tuple[Tensors, Tensor], w2: tuple[Tensors, Tensor], scale: float):
    """LoKr, arXiv:2309.14859 section 3: W + s W1 ⊗ W2, block (h, m) of it being W1[h, m] W2."""
    first, second = w1[1], w2[1]
    blocks = [[value * second for value in row] for row in first]
    product = torch.cat([torch.cat(row, dim=1) for row in blocks])
    return w1[0] | w2[0] | alpha(), weight + scale * product.reshape(weight.shape)


def halves(name: str, draw: Draw, high: int, wide: int, *kernel: int) -> tuple[Tensors, Tensor]:
    a, b = draw(high, RANK), draw(RANK, wide * math.prod(kernel))
    return {f"{name}_a": a, f"{name}_b": b}, (a @ b).reshape(high, wide, *kernel)


def whole(name: str, draw: Draw, *shape: int) -> tuple[Tensors, Tensor]:
    tensor = draw(*shape)
    return {name: tensor}, tensor


@formula
def lokr_of_two_whole_matrices(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """LyCORIS: alpha then stands for the rank, so the scale is 1."""
    (h, k), (m, n) = factors(weight.shape[0]), factors(weight.shape[1])
    return kronecker(weight, draw, whole("lokr_w1", draw, h, m), whole("lokr_w2", draw, k, n, *weight.shape[2:]), 1)


@formula
def lokr_of_a_product(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    (h, k), (m, n) = factors(weight.shape[0]), factors(weight.shape[1])
    w2 = halves("lokr_w2", draw, k, n, *weight.shape[2:])
    return kronecker(weight, draw, whole("lokr_w1", draw, h, m), w2, SCALE)


@formula
def lokr_of_two_products(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    (h, k), (m, n) = factors(weight.shape[0]), factors(weight.shape[1])
    w2 = halves("lokr_w2", draw, k, n, *weight.shape[2:])
    return kronecker(weight, draw, halves("lokr_w1", draw, h, m), w2, SCALE)


@formula
def lokr_in_tucker_form(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    if weight.dim() == 2 or weight.shape[2] == 1:
        return lokr_of_a_product(weight, draw)
    (h, k), (m, n) = factors(weight.shape[0]), factors(weight.shape[1])
    a, b, core = draw(RANK, k), draw(RANK, n), draw(RANK, RANK, *weight.shape[2:])
    second = (a.T @ core.permute(2, 3, 0, 1) @ b).permute(2, 3, 0, 1)
    w2 = {"lokr_w2_a": a, "lokr_w2_b": b, "lokr_t2": core}, second
    return kronecker(weight, draw, whole("lokr_w1", draw, h, m), w2, SCALE)


def of_length(direction: Tensor, lengths: Tensor, dim: int) -> Tensor:
    """DoRA, arXiv:2402.09353 equation 5: W' = m (W + BA) / |W + BA|, the norm over all but one dimension."""
    others = [d for d in range(direction.dim()) if d != dim]
    return lengths * direction / direction.square().sum(others, keepdim=True).sqrt()


def dora(plain: Formula, dim: int) -> Formula:
    def decomposed(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
        tensors, merged = plain(weight, draw)
        shape = [1] * weight.dim()
        shape[dim] = weight.shape[dim]
        lengths = draw(*shape).abs() + 0.5
        return tensors | {"dora_scale": lengths}, of_length(merged, lengths, dim)

    return decomposed


FORMULAS |= {
    "dora_of_rows": dora(lora_product, 0),
    "dora_of_columns": dora(lora_product, 1),
    "dora_of_a_loha": dora(loha_of_small_rank, 0),
    "dora_of_a_lokr": dora(lokr_of_a_product, 0),
    "dora_of_a_lokr_by_columns": dora(lokr_of_a_product, 1),
    "dora_in_tucker_form": dora(lora_in_tucker_form, 0),
}


@formula
def dora_of_peft(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """peft: one length a row; (out,) of a linear map, (1, out, 1, 1) of a convolution. No alpha in the file."""
    out, *inner = weight.shape
    down, up = draw(RANK, *inner), draw(out, RANK, *[1] * (len(inner) - 1))
    lengths = draw(out).abs() + 0.5
    merged = weight + (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    said = lengths if weight.dim() == 2 else lengths.reshape(1, -1, 1, 1)
    tensors = {"lora_A.weight": down, "lora_B.weight": up, "lora_magnitude_vector": said}
    return tensors, of_length(merged, lengths.reshape(-1, *[1] * (weight.dim() - 1)), 0)


@formula
def difference(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    tensor = draw(*weight.shape, spread=0.1)
    return {"diff": tensor}, weight + tensor


@formula
def ia3_of_rows(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """IA3, arXiv:2205.05638, as LyCORIS learns it, from 0: diag(1 + w) W."""
    vector = draw(weight.shape[0])
    said = vector if weight.dim() == 2 else vector.reshape(1, -1, 1, 1)
    rows = vector.reshape(-1, *[1] * (weight.dim() - 1))
    return {"weight": said, "on_input": torch.tensor(0)}, weight * (1 + rows)


@formula
def ia3_of_columns(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    vector = draw(weight.shape[1])
    columns = vector.reshape(1, -1, *[1] * (weight.dim() - 2))
    said = vector if weight.dim() == 2 else columns
    return {"weight": said, "on_input": torch.tensor(1)}, weight * (1 + columns)


def generalized(weight: Tensor, a1: Tensor, a2: Tensor, b1: Tensor, b2: Tensor) -> Tensor:
    """GLoRA, arXiv:2306.07967: W + s (W A + B), A = a1 a2 over the columns, B = b1 b2."""
    own = torch.einsum("oi...,ij,jn->on...", weight, a1.flatten(1), a2.flatten(1))
    return weight + SCALE * (own + (b1.flatten(1) @ b2.flatten(1)).reshape(weight.shape))


@formula
def glora(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    out, wide, *kernel = weight.shape
    ones = [1] * len(kernel)
    a1, a2 = draw(wide, RANK, *ones), draw(RANK, wide, *ones)
    b1, b2 = draw(out, RANK, *ones), draw(RANK, wide, *kernel)
    tensors = {"a1.weight": a1, "a2.weight": a2, "b1.weight": b1, "b2.weight": b2}
    return tensors | alpha(), generalized(weight, a1, a2, b1, b2)


@formula
def glora_of_older_files(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    if weight.dim() > 2:
        return glora(weight, draw)
    out, wide = weight.shape
    a1, a2, b1, b2 = draw(RANK, wide), draw(wide, RANK), draw(RANK, wide), draw(out, RANK)
    tensors = {"a1.weight": a1, "a2.weight": a2, "b1.weight": b1, "b2.weight": b2}
    return tensors | alpha(), generalized(weight, a2, a1, b2, b1)


def cayley(blocks: Tensor, most: float = math.inf) -> Tensor:
    """OFT, arXiv:2306.07280 section 3.3: R = (I + Q) (I - Q)^-1, Q skew; COFT keeps |Q| below a bound."""
    skew = blocks - blocks.mT
    skew = skew * min(1.0, most / float(skew.norm()))
    unit = torch.eye(blocks.shape[-1])
    return torch.stack([(unit + q) @ torch.linalg.inv(unit - q) for q in skew.flatten(0, -3)]).reshape(skew.shape)


def block_rotated(weight: Tensor, turns: Tensor) -> Tensor:
    """diag(R_1, ..., R_k)^T W"""
    return (torch.block_diag(*turns).T @ weight.flatten(1)).reshape(weight.shape)


@formula
def oft(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    b, k = factors(weight.shape[0])
    blocks = draw(k, b, b)
    return {"oft_blocks": blocks, "alpha": torch.tensor(0.0)}, block_rotated(weight, cayley(blocks))


@formula
def oft_with_a_bound_and_other_lengths(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """The bound is alpha times the rows, in kohya's and LyCORIS's training."""
    b, k = factors(weight.shape[0])
    blocks, lengths = draw(k, b, b), draw(weight.shape[0], *[1] * (weight.dim() - 1)).abs() + 0.5
    turned = block_rotated(weight, cayley(blocks, 0.01 * weight.shape[0]))
    return {"oft_blocks": blocks, "alpha": torch.tensor(0.01), "rescale": lengths}, lengths * turned


@formula
def oft_whose_rotation_is_stored(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    b, k = factors(weight.shape[0])
    turns = cayley(draw(k, b, b))
    return {"oft_diag": turns}, block_rotated(weight, turns)


@formula
def boft(weight: Tensor, draw: Draw) -> tuple[Tensors, Tensor]:
    """BOFT, arXiv:2311.06243: a product of butterfly matrices. In stage i the channels c and c + 2^i b / 2 are joined,
    b / 2 pairs a block."""
    out, b = weight.shape[0], 4
    k = out // b
    stages = 1 + (k & -k).bit_length() - 1  # as often as the pairs can lie twice as far apart
    blocks = draw(stages, k, b, b)
    merged = weight.flatten(1)
    for i, turns in enumerate(cayley(blocks)):
        apart = 2**i * b // 2
        order = torch.arange(out).reshape(-1, 2, apart).mT.flatten()
        stage = torch.zeros(out, out)
        stage[order[:, None], order] = torch.block_diag(*turns)
        merged = stage @ merged
    return {"oft_blocks": blocks, "alpha": torch.tensor(0.0)}, merged.reshape(weight.shape)


MARKS = ("attn1.to_q", "attn2.to_k", "attn1.to_out.0", "proj_in", "resnets.0.conv1", "downsamplers.0.conv", "ff.net.2")
TEXT_MARKS = ("self_attn.q_proj", "mlp.fc1")


class Adapted(NamedTuple):
    keys: Tensors
    merged: dict[tuple[str, str], Tensor]


def modules_of(parts: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for part, network in parts.items():
        for path, module in network.named_modules():
            if path.endswith(TEXT_MARKS if part.startswith("text") else MARKS):
                yield part, path, module


def kohya_name(part: str, path: str, sdxl: bool) -> str:
    if part == "unet":
        return "lora_unet_" + path.replace(".", "_")
    encoder = {"text_encoder": "te1" if sdxl else "te", "text_encoder_2": "te2"}[part]
    return f"lora_{encoder}_text_model_" + path.removeprefix("text_model.").replace(".", "_")


def adapted(parts: dict[str, Any], kind: Formula, seed: int = 0) -> Adapted:
    draw, sdxl = Draw(seed), "text_encoder_2" in parts
    keys: Tensors = {}
    merged = {}
    for part, path, module in modules_of(parts):
        tensors, merged[part, path] = kind(module.weight.data, draw)
        keys |= {f"{kohya_name(part, path, sdxl)}.{ending}": tensor for ending, tensor in tensors.items()}
    return Adapted(keys, merged)


def merge(parts: dict[str, Any], merged: dict[tuple[str, str], Tensor], strength: float, text_strength: float) -> None:
    for (part, path), weight in merged.items():
        own = parts[part].get_submodule(path).weight.data
        own += (weight - own) * (text_strength if part.startswith("text") else strength)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_kind_gives_what_its_merged_weights_give(home, name):
    bundle, other = load(home, "sd"), load(home, "sd")
    kind = adapted(parts_of(bundle), FORMULAS[name])
    path = tiny_addons.save(home / "loras", "kind", kind.keys)
    merge(parts_of(other), kind.merged, 0.8, 0.5)
    changed, before = answer(with_loras(bundle, [Wanted("kind", 0.8, 0.5)])), answer(load(home, "sd"))
    assert close(changed, answer(other)) and not close(changed, before)
    assert torch.equal(answer(bundle), before)
    known = scan.recognised(path)[1]
    assert known.kind == "lora" and not known.unusable


@pytest.mark.parametrize("name", FORMULAS)
def test_no_key_of_a_kind_is_left_and_all_its_numbers_are_counted(home, name):
    bundle = load(home, "sd")
    path = tiny_addons.save(home / "loras", "counted", adapted(parts_of(bundle), FORMULAS[name]).keys)
    devices = DeviceManager("cpu", threads=1)
    with lora.leased([Wanted("counted")], bundle, devices) as loras:
        assert loras.notes == ()
        terms = [term for place in loras.added.values() for term, _ in place]
        held = sum({t.data_ptr(): t.nbytes for term in terms for t in term.tensors()}.values())
        assert [int(str(model["bytes"])) for model in devices.loaded()] == [held]
        assert lora_size.numbers(path) * 4 == held
    devices.close()


NORM_MARKS = ("resnets.0.norm1", "attentions.0.norm", "transformer_blocks.0.norm2", "layer_norm1", "conv_norm_out")


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_norms_and_biases_are_changed(home, model):
    """LyCORIS's norm module, w + w_norm and b + b_norm, and its full one's bias, b + diff_b."""
    bundle, other, draw = load(home, model), load(home, model), Draw(3)
    parts, keys = parts_of(other), {}
    for part, network in parts.items():
        for path, module in network.named_modules():
            name = kohya_name(part, path, model == "sdxl")
            if path.endswith(NORM_MARKS):
                weight, bias = draw(*module.weight.shape), draw(*module.bias.shape)
                keys |= {f"{name}.w_norm": weight, f"{name}.b_norm": bias}
            elif path.endswith(("attn1.to_out.0", "resnets.0.conv1", "mlp.fc1")):
                weight, bias = draw(*module.weight.shape, spread=0.05), draw(*module.bias.shape)
                keys |= {f"{name}.diff": weight, f"{name}.diff_b": bias}
            else:
                continue
            strength = 0.6 if part == "unet" else 0.3
            module.weight.data += strength * weight
            module.bias.data += strength * bias
    tiny_addons.save(home / "loras", "norms", keys)
    changed = answer(with_loras(bundle, [Wanted("norms", 0.6, 0.3)]))
    assert close(changed, answer(other)) and not close(changed, answer(bundle))


def test_a_bias_beside_the_halves_is_scaled_with_them(home):
    """peft's lora_bias: W x + s (B (A x) + b)."""
    bundle, other, draw = load(home, "sd"), load(home, "sd"), Draw(4)
    keys: Tensors = {}
    for part, path, module in modules_of(parts_of(other)):
        if module.bias is None:
            continue
        tensors, weight = lora_product(module.weight.data, draw)
        bias = draw(len(module.bias))
        named = tensors | {"lora_up.bias": bias}
        keys |= {f"{kohya_name(part, path, False)}.{ending}": tensor for ending, tensor in named.items()}
        module.weight.data.copy_(weight)
        module.bias.data += SCALE * bias
    tiny_addons.save(home / "loras", "biased", keys)
    assert close(answer(with_loras(bundle, [Wanted("biased")])), answer(other))


@pytest.mark.parametrize("model", ["flux-dev", "sd3"])
def test_whole_new_norms_replace_the_models(home, model):
    """As FLUX's own LoRAs for depth and edges have them, under diffusers' names."""
    bundle, other, draw = load(home, model), load(home, model), Draw(5)
    keys: Tensors = {}
    transformer = other.part("transformer")
    for path, module in transformer.named_modules():
        if path.endswith("attn.to_out.0"):
            tensors, weight = lora_product(module.weight.data, draw)
            keys |= {f"transformer.{path}.{ending}": tensor for ending, tensor in tensors.items()}
            module.weight.data.copy_(weight)
        elif path.endswith(("attn.norm_k", "attn.norm_q")):
            keys[f"transformer.{path}.weight"] = draw(*module.weight.shape) + 1
            module.weight.data.copy_(keys[f"transformer.{path}.weight"])
    tiny_addons.save(home / "loras", "new-norms", keys)
    assert close(answer(with_loras(bundle, [Wanted("new-norms")])), answer(other))


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_kinds_that_are_mixed_in_one_file_add_up(home, model):
    """LyCORIS's presets take another kind for each sort of module."""
    bundle, other = load(home, model), load(home, model)
    names = list(FORMULAS)
    count = iter(range(1000))
    kind = adapted(parts_of(bundle), lambda weight, draw: FORMULAS[names[next(count) % len(names)]](weight, draw))
    tiny_addons.save(home / "loras", "mixed", kind.keys)
    merge(parts_of(other), kind.merged, 0.7, 0.7)
    assert close(answer(with_loras(bundle, [Wanted("mixed", 0.7, 0.7)])), answer(other))


ORIGINAL = {"flux-dev": original_layout.flux, "sd3": original_layout.sd3}
FUSED = ("qkv", "linear1", "adaLN_modulation.1", "mlp.0", "mlp.fc1")


@pytest.mark.parametrize(
    "name", ["loha_of_large_rank", "lokr_of_a_product", "dora_of_rows", "dora_of_columns", "glora"]
)
@pytest.mark.parametrize("model", ORIGINAL)
def test_a_kind_of_a_fused_matrix_is_shared_out(home, model, name):
    """By kohya's names of what the authors of FLUX and SD3 called their modules."""
    bundle, other, draw = load(home, model), load(home, model), Draw(6)
    original = ORIGINAL[model](other.part("transformer").state_dict())
    keys: Tensors = {}
    for path in [path for path in original if path.endswith(tuple(f"{mark}.weight" for mark in FUSED))]:
        tensors, original[path] = FORMULAS[name](original[path], draw)
        stem = "lora_unet_" + path.removesuffix(".weight").replace(".", "_")
        keys |= {f"{stem}.{ending}": tensor for ending, tensor in tensors.items()}
    state = ORIGINALS[bundle.info.architecture].diffusers_layout(original)
    other.part("transformer").load_state_dict(state, strict=True)
    tiny_addons.save(home / "loras", "fused", keys)
    changed = answer(with_loras(bundle, [Wanted("fused")]))
    assert close(changed, answer(other)) and not close(changed, answer(bundle))
