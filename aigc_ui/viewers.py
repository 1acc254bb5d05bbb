"""Who watches what: streams are counted by visitor and by address, so that nobody takes the live view from others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aigc_ui.visitors import Visitor
from pipelines.errors import Busy


@dataclass(frozen=True)
class Bounds:
    """The most streams at the same time: of one visitor, of one address, of all."""

    of_visitor: int = 16
    of_address: int = 128
    total: int = 512


@dataclass(eq=False)
class Viewer:
    """One open stream. `replaced`: a newer one of the same visitor took its place, and it has to end."""

    visitor: Visitor
    job_id: str
    replaced: bool = field(default=False)


class Viewers:
    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._open: list[Viewer] = []  # the oldest first

    def __len__(self) -> int:
        return len(self._open)

    def check(self, visitor: Visitor, job_id: str) -> None:
        """Raises Busy where one more stream has no room and none of its own for this job gives way."""
        own = [viewer for viewer in self._open if viewer.visitor.client == visitor.client]
        if self._oldest(own, job_id) is not None:
            return
        here = sum(viewer.visitor.address == visitor.address for viewer in self._open) if visitor.address else 0
        if len(own) >= self._bounds.of_visitor:
            raise Busy("You watch in {number} places already. Close some tabs and try again.", number=len(own))
        if here >= self._bounds.of_address or len(self._open) >= self._bounds.total:
            raise Busy("Too many viewers are connected. Close some tabs and try again.")

    @contextmanager
    def watching(self, visitor: Visitor, job_id: str) -> Iterator[Viewer]:
        """Counts a stream while it is open. Raises Busy as `check` does."""
        self.check(visitor, job_id)
        own = [viewer for viewer in self._open if viewer.visitor.client == visitor.client]
        oldest = self._oldest(own, job_id)
        if oldest is not None:
            oldest.replaced = True
            self._open.remove(oldest)
        viewer = Viewer(visitor, job_id)
        self._open.append(viewer)
        try:
            yield viewer
        finally:
            if not viewer.replaced:
                self._open.remove(viewer)

    def _oldest(self, own: list[Viewer], job_id: str) -> Viewer | None:
        """The visitor's own stream of that job that gives way, when they have as many as they may."""
        if len(own) < self._bounds.of_visitor:
            return None
        return next((viewer for viewer in own if viewer.job_id == job_id), None)
