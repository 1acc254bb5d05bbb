"""What stands beside a model for one run. Each adapts one or more of three things: the model, its network, and what
that network is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pipelines.device.evaluations import Network
    from pipelines.diffusion.bundle import Bundle
    from pipelines.theory.path import NoisePath


class Attachment:
    """Adapts nothing; subclasses override what they do."""

    notes: tuple[str, ...] = ()
    """What is to be said of it with the picture."""
    sees_whole = False
    """Whether it looks at all of the picture at once, so that the picture cannot be worked in tiles."""
    notes: tuple[str, ...] = ()
    """What to say of it with the picture."""

    def adapted(self, model: Bundle) -> Bundle:
        """The model with other parts, before it reads a prompt. The given one stays as it is."""
        return model

    def fitted(self, width: int, height: int) -> Self:
        """The same for a picture of that size."""
        return self

    def conditioned(self, model: Bundle, path: NoisePath) -> Bundle:
        """The model, whose network is told more with every prompt on this path of noise levels."""
        return model

    def network(self, network: Network) -> Network:
        """The network with what is evaluated beside it."""
        return network


def adapted(model: Bundle, attachments: Sequence[Attachment]) -> Bundle:
    """The model with all of them, in order."""
    for attachment in attachments:
        model = attachment.adapted(model)
    return model
