"""A saved picture that is to be made once more, to see whether it comes out the same."""

from dataclasses import dataclass
from typing import ClassVar

from pipelines.requests.of_picture import OfPicture


@dataclass(frozen=True)
class ReproductionRequest(OfPicture):
    """The picture."""

    repeats_parent: ClassVar[bool] = True
