"""Several requests for pictures run one after the other as one job, each kept with a recipe of its own."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, cast

from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.events import Event, Frame, Progress
from pipelines.requests.text_to_image import TextToImageRequest

MOST_REQUESTS = 100
MOST_PIXEL_STEPS = 2**30
"""Of all together: 51 pictures of 1024 x 1024 in 20 steps, or 204 of 512 x 512."""


def check(requests: Sequence[TextToImageRequest]) -> None:
    """Raises BadRequest for more than one job should do, and says what it comes to."""
    if len(requests) > MOST_REQUESTS:
        raise BadRequest(
            "{number} pictures are too many for one job; at most {most} go. Take fewer.",
            number=len(requests),
            most=MOST_REQUESTS,
        )
    cost = sum(r.width * r.height * r.count * r.num_inference_steps for r in requests)
    if cost > MOST_PIXEL_STEPS:
        raise BadRequest(
            "{number} requests come to {cost:.0f} million pixels times steps; one job does at most {most}. "
            "Take fewer values, smaller pictures or fewer steps.",
            number=len(requests),
            cost=cost / 2**20,
            most=MOST_PIXEL_STEPS // 2**20,
        )


def run(requests: Sequence[TextToImageRequest], devices: DeviceManager) -> Iterator[Event]:
    """Each request's Result as soon as it is there, and one frame before it.

    A frame a request, not one a step: a job's frames stay few however many requests it has. StopEarly ends the stream
    at once; what is finished by then has been told.
    """
    painter = _generator()
    for i, request in enumerate(requests):
        last: Frame | None = None
        with closing(cast(Any, painter.stream(request, devices))) as events:
            for event in events:
                if isinstance(event, Frame):
                    last = event
                    event = Progress("denoising", event.index, event.total)
                yield event
        if last is not None:
            yield Frame(i + 1, len(requests), last.sigma, last.x[:1], last.x0_pred[:1])


def _generator() -> Any:
    from pipelines.engine import registry

    return registry.get("text-to-image")
