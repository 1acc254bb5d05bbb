"""The pixel models of digits as they are shipped: they know their data and their labels, and keep to the bound."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipelines.data import digits
from pipelines.errors import BadFile
from pipelines.lab import pixel_ddpm
from pipelines.lab.pixel_ddpm import NO_LABEL, PIXELS, Network, PixelDDPM
from pipelines.lab.requests import NETWORKS
from pipelines.theory.samplers import SAMPLERS
from pipelines.training import digits as training


@pytest.fixture(scope="module")
def shipped() -> dict[str, PixelDDPM]:
    return {variant: pixel_ddpm.load(variant) for variant in NETWORKS}


def drawn(model: PixelDDPM, labels: Tensor, guidance_scale: float = 1.0, sampler: str = "ddpm") -> Tensor:
    """One digit a label, by all timesteps, in [-1, 1]."""
    generator = torch.Generator().manual_seed(4)
    sigmas = torch.cat([model.process.sigmas.flip(0), torch.zeros(1, dtype=torch.float64)])
    start = sigmas[0].float() * torch.randn(len(labels), PIXELS, generator=generator)
    denoiser = model.denoiser(labels, guidance_scale)
    *_, last = SAMPLERS[sampler](denoiser, start, sigmas, lambda x: torch.randn(x.shape, generator=generator))
    return last.x


def read(pictures: Tensor) -> Tensor:
    """The labels of the nearest real digits, held-out ones included."""
    known, labels = digits.load()
    return labels[torch.cdist(pictures, known).argmin(1)]


def test_the_data_is_that_of_scikit_learn_and_its_parts_share_nothing() -> None:
    pictures, labels = digits.load()
    assert pictures.shape == (1797, 64) and (pictures.min(), pictures.max()) == (-1, 1)
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    parts = [digits.training()[0], digits.held_out()[0]]
    assert sum(map(len, parts)) == len(pictures) and torch.cdist(*parts).min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("variant", NETWORKS)
def test_what_it_draws_is_read_as_what_it_was_told(shipped: dict[str, PixelDDPM], variant: str) -> None:
    labels = torch.arange(10).repeat(20)
    assert (read(drawn(shipped[variant], labels, guidance_scale=2.0)) == labels).float().mean() > 0.93


@pytest.mark.slow
def test_a_label_s_guidance_is_obeyed_and_without_it_digits_are_of_all_kinds(shipped: dict[str, PixelDDPM]) -> None:
    threes = torch.full((100,), 3)
    weak, strong = (read(drawn(shipped["fixed"], threes, w)) == 3 for w in (0.0, 2.0))
    assert weak.float().mean() < 0.3 < 0.95 < strong.float().mean()
    assert len(read(drawn(shipped["fixed"], torch.full((100,), NO_LABEL))).unique()) >= 9


@pytest.mark.slow
def test_its_digits_lie_as_near_to_real_ones_as_real_ones_do(shipped: dict[str, PixelDDPM]) -> None:
    labels = torch.arange(10).repeat(20)
    known, held = digits.training()[0], digits.held_out()[0]
    theirs, ours = (torch.cdist(part, known).min(1).values.mean() for part in (held, drawn(shipped["fixed"], labels)))
    assert 0.7 < ours / theirs < 1.3, "not noise, and not copies of training pictures either"


@pytest.mark.slow
def test_the_learned_variance_gives_the_tightest_bound(shipped: dict[str, PixelDDPM]) -> None:
    bits = {v: training.bits_per_dim(shipped["learned"], v) for v in ("fixed_small", "fixed_large", "learned_range")}
    assert bits["learned_range"] < min(bits["fixed_small"], bits["fixed_large"])
    assert bits["learned_range"] < 2.9, "17 levels without a model are 4.09 bits"


def test_its_variance_alone_learns_from_the_bound() -> None:
    torch.manual_seed(0)
    network, process = Network(learned_variance=True), pixel_ddpm.process()
    torch.nn.init.normal_(network.leave.weight, std=0.1)
    x0, labels = (part[:16] for part in digits.training())

    def gradient(learned: bool) -> Tensor:
        network.learned_variance, network.leave.weight.grad = learned, None
        training.loss_of(network, process, x0, labels, torch.Generator().manual_seed(1)).backward()
        grad = network.leave.weight.grad
        assert grad is not None
        return grad.clone()

    with_bound, without = gradient(True), gradient(False)
    torch.testing.assert_close(with_bound[:PIXELS], without[:PIXELS])
    assert with_bound[PIXELS:].abs().max() > 0 == without[PIXELS:].abs().max()


@pytest.mark.slow
def test_a_few_steps_of_training_learn_and_make_a_file_that_loads(tmp_path: Path) -> None:
    told: list[str] = []
    network = training.train(True, steps=60, batch=64, seed=0, log=told.append)
    pixel_ddpm.save(network, pixel_ddpm.file_of("learned", tmp_path))
    model = pixel_ddpm.load("learned", tmp_path)
    assert training.bits_per_dim(model, "learned_range") < 6
    assert float(told[-1].split()[3]) < 0.75 * float(told[0].split()[3])


def test_another_network_s_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no digits model"):
        pixel_ddpm.load("fixed", tmp_path)
    pixel_ddpm.save(Network(learned_variance=True), pixel_ddpm.file_of("fixed", tmp_path))
    with pytest.raises(BadFile, match="another network"):
        pixel_ddpm.load("fixed", tmp_path)
