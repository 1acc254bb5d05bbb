"""All that a VAE of digits with a two-dimensional z can draw, as one picture, and any place of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs
from pipelines.families import Sampling, shelf
from pipelines.families.pictures import pixels
from pipelines.families.request import ManifoldRequest, lease
from pipelines.store.film import sheet

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager

SIDE = 10
"""Pictures to a side."""
MARGIN = 1
"""White pixels around each."""
EDGE = 0.001
"""Of the probability, at which the square ends: base noise itself goes on without end."""


def answer(request: ManifoldRequest, devices: DeviceManager) -> dict[str, Any]:
    """`sheet`, SIDE x SIDE pictures evenly spaced by probability; `picture` at the place, and its `z`."""
    torch = libs.torch()
    place = at(torch.tensor([[request.across, request.down]]))
    with lease("vae" + shelf.PLANE, "digits", devices) as shipped, torch.inference_mode():
        z = torch.cat([plane(SIDE), place]).to(shipped.device)
        labels = torch.full((len(z),), request.label, device=z.device)
        *_, last = shipped.model.states(z, labels, Sampling())
    drawn = pixels(last.x)
    framed = np.pad(drawn[:-1], ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)
    return {
        "sheet": sheet(framed, columns=SIDE)[None],
        "picture": drawn[-1:],
        "z": [round(v, 2) for v in z[-1].tolist()],
    }


def plane(side: int) -> Tensor:
    """(side * side, 2): places of a two-dimensional z, evenly by probability, row by row from above."""
    shares = (libs.torch().arange(side) + 0.5) / side
    return at(libs.torch().cartesian_prod(shares, shares).flip(1))


def at(shares: Tensor) -> Tensor:
    """Shares of base noise -> z, number by number."""
    return libs.torch().special.ndtri(shares.clamp(EDGE, 1 - EDGE))
