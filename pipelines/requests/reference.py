"""A picture that is followed beside the prompt, as a request names it, and the IP-Adapter that reads it."""

from dataclasses import dataclass

from pipelines.params import Picture, Range, Unit, param
from pipelines.requests.choices import IP_ADAPTERS, NO_REFERENCE
from pipelines.requests.pairs import check_order, check_together

_NEEDS = ("ip_model",)


@dataclass(frozen=True)
class Reference(Unit):
    """Not used where it has no model."""

    image: str = param(
        "",
        Picture(),
        "The picture that is followed beside the prompt: its content, its style.",
        name="ip_image",
        infotext="Reference picture",
        needs=_NEEDS,
    )
    model: str = param(
        NO_REFERENCE,
        IP_ADAPTERS,
        "The IP-Adapter that reads it.",
        name="ip_model",
        infotext="IP-Adapter",
        needs=_NEEDS,
    )
    scale: float = param(
        1.0,
        Range(0, 1.5),
        "How strongly the reference picture is followed; 0 is without it.",
        name="ip_scale",
        infotext="Reference weight",
        needs=_NEEDS,
    )
    start: float = param(
        0.0,
        Range(0, 1),
        "The reference picture counts after this part of the steps.",
        name="ip_start",
        infotext="Reference start",
        needs=_NEEDS,
    )
    end: float = param(
        1.0,
        Range(0, 1),
        "The reference picture counts until this part of the steps.",
        name="ip_end",
        infotext="Reference end",
        needs=_NEEDS,
    )

    @property
    def used(self) -> bool:
        return self.model != NO_REFERENCE

    def check(self) -> None:
        check_together(self.numbered("ip_model"), self.used, self.numbered("ip_image"), bool(self.image))
        check_order(self.numbered("ip_start"), self.start, self.numbered("ip_end"), self.end)
