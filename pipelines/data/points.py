"""Data sets of points in the plane whose distribution is known exactly, at about unit variance."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pipelines.errors import BadRequest
from pipelines.theory.ideal import Boxes, Distribution, Mixture

POINTS: dict[str, Callable[[], Distribution]] = {}
BEADS = 96
"""Components along a curve: closer to one another than they are wide, so that the curve has no gaps."""
LONGEST = 2000


def points(make: Callable[[], Distribution]) -> Callable[[], Distribution]:
    """Register a data set under its own name."""
    POINTS[make.__name__] = make
    return make


def get(name: str) -> Distribution:
    if name not in POINTS:
        raise BadRequest("data must be one of {known}; got {got!r}.", known=", ".join(POINTS), got=str(name)[:40])
    return POINTS[name]()


def part_of(data: Distribution, label: int) -> Distribution:
    """One class, or all for -1. Raises BadRequest."""
    if label < 0:
        return data
    if not isinstance(data, Mixture):
        raise BadRequest("this distribution has no classes. Set label to -1.")
    return data.part(label)


def drawn(strokes: Tensor, width: float = 0.06) -> Mixture:
    """A drawing as data: points (N, 2), moved and scaled to mean 0 and unit variance, each a small blot."""
    if strokes.ndim != 2 or strokes.shape[1] != 2 or not 2 <= len(strokes) <= LONGEST:
        raise BadRequest(
            "a drawing must have 2 to {most} points (x, y); got {got}. Draw a line.", most=LONGEST, got=len(strokes)
        )
    if not bool(strokes.isfinite().all()):
        raise BadRequest("a drawing's points must be finite numbers.")
    strokes = strokes.double() - strokes.double().mean(0)
    spread = float(strokes.square().mean().sqrt())
    if spread == 0:
        raise BadRequest("a drawing must have more than one place; all of its points are the same.")
    return Mixture.of(strokes / spread, width)


@points
def gaussians() -> Mixture:
    """Eight Gaussians on a circle, each its own class."""
    angles = torch.arange(8) * math.tau / 8
    return Mixture.of(1.4 * _circle(angles), 0.1, torch.arange(8))


@points
def grid() -> Mixture:
    """Twenty-five Gaussians on a square grid; a class is a row."""
    places = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    return Mixture.of((places - 2) / math.sqrt(2), 0.06, places[:, 0])


@points
def moons() -> Mixture:
    """Two half circles that reach into one another."""
    angles = torch.linspace(0, math.pi, BEADS // 2, dtype=torch.float64)
    upper = _circle(angles) - torch.tensor([0.5, 0.25])
    return _curve(torch.cat([upper, -upper]), 0.1, torch.arange(BEADS) // (BEADS // 2))


@points
def rings() -> Mixture:
    """Two circles, one inside the other."""
    inner, outer = BEADS // 3, 2 * BEADS // 3
    angles = torch.cat([_turn(inner), _turn(outer)])
    radii = torch.cat([torch.full((inner,), 0.5), torch.full((outer,), 1.0)])
    return _curve(radii[:, None] * _circle(angles), 0.05, (radii > 0.75).long())


@points
def spirals() -> Mixture:
    """Two arms that wind around one another."""
    angles = torch.linspace(0.15, 1, BEADS, dtype=torch.float64).sqrt() * 3 * math.pi
    arm = angles[:, None] * _circle(angles)
    return _curve(torch.cat([arm, -arm]), 0.35, torch.arange(2 * BEADS) // BEADS)


@points
def swiss_roll() -> Mixture:
    """One arm, rolled up."""
    angles = torch.linspace(1 / 9, 1, 2 * BEADS, dtype=torch.float64).sqrt() * 4.5 * math.pi
    return _curve(angles[:, None] * _circle(angles), 0.4, torch.zeros(2 * BEADS, dtype=torch.long))


@points
def pinwheel() -> Mixture:
    """Five bent blades, each its own class."""
    blades, beads = 5, 24
    reach = torch.linspace(0.3, 1.7, beads, dtype=torch.float64)
    angles = torch.arange(blades)[:, None] * math.tau / blades + 0.6 * reach  # (blades, beads)
    means = (reach[None, :, None] * _circle(angles.flatten()).view(blades, beads, 2)).flatten(0, 1)
    return _curve(means, 0.1, torch.arange(blades).repeat_interleave(beads))


@points
def checkerboard() -> Boxes:
    """The eight dark fields of a board of four by four."""
    places = [(x, y) for x in range(4) for y in range(4) if (x + y) % 2 == 0]
    side = math.sqrt(12) / 4  # a square of side sqrt(12) has unit variance along each axis
    low = (torch.tensor(places, dtype=torch.float64) - 2) * side
    return Boxes(low, low + side)


def _turn(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float64) * math.tau / count


def _circle(angles: Tensor) -> Tensor:
    """(N,) -> (N, 2) on the unit circle."""
    return torch.stack([angles.cos(), angles.sin()], dim=-1).double()


def _curve(means: Tensor, width: float, labels: Tensor) -> Mixture:
    """Beads along a curve, with the whole at unit variance; `width` counts in the curve's own units."""
    means = means - means.mean(0)
    spread = math.sqrt(float(means.square().mean()) + width**2)
    return Mixture.of(means / spread, width / spread, labels)


WITHIN = 4.0
"""Deviations from the middle of a component that still count as it; of 3,000 points of the data one lies further."""


def astray(x: Tensor, data: Distribution) -> Tensor:
    """(N,) bool: which points (N, 2) lie on no component of a mixture, or outside every box."""
    if isinstance(data, Mixture):
        gaps, nearest = torch.cdist(x.double(), data.means).min(1)
        return gaps >= WITHIN * data.deviations[nearest]
    return data.log_prob(x.double()).isinf()


PROJECTIONS = 64


def sliced_distance(first: Tensor, second: Tensor, draw: torch.Generator) -> float:
    """Sliced Wasserstein-2 between two sets of equally many points, over PROJECTIONS random directions."""
    angles = torch.rand(PROJECTIONS, generator=draw, dtype=torch.float64) * math.tau
    directions = torch.stack([angles.cos(), angles.sin()])  # (2, PROJECTIONS)
    gaps = (first @ directions).sort(0).values - (second @ directions).sort(0).values
    return float(gaps.square().mean().sqrt())
