"""What the page and the HTTP API work with, composed once in app.py and handed to them."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aigc_ui.rooms import Rooms
from aigc_ui.visitors import Numbers, Visitor
from pipelines import VERSION
from pipelines.engine import registry
from pipelines.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from pipelines.device.lanes import Lanes
    from pipelines.engine.queue import Job, JobQueue
    from pipelines.engine.registry import Generator
    from pipelines.models.library.catalogue import Catalogue
    from pipelines.models.library.entry import Root
    from pipelines.models.library.hashing import Hasher
    from pipelines.params import Request
    from pipelines.store.images import ImageInfo, ImageStore
    from pipelines.store.inputs import InputStore


@dataclass(frozen=True)
class Settings:
    """How this studio was started. `shared`: others reach it over the network, and each sees only their own work.

    `api`: the interfaces of AUTOMATIC1111 and OpenAI are open, too.
    `allow_training`: in a shared studio everybody may start trainings, not its owner alone.
    `first_model`: the one to begin with, "" for the built-in one.
    `address`: where others reach a shared studio, "" where that is not known.
    """

    outputs: Path
    shared: bool = False
    api: bool = False
    first_model: str = ""
    allow_training: bool = False
    address: str = ""
    version: str = VERSION


@dataclass(frozen=True)
class Library:
    """The models that are here, and the thread that counts their hashes."""

    catalogue: "Catalogue"
    hasher: "Hasher"

    @classmethod
    def over(cls, roots: "Iterable[Root]", folder: Path, busy: Callable[[], bool] = lambda: False) -> "Library":
        """Of these folders; the index and notes are kept in `folder`. Hashes rest while `busy`."""
        from pipelines.models.library.catalogue import Catalogue
        from pipelines.models.library.hashing import Hasher

        catalogue = Catalogue(roots, folder)
        return cls(catalogue, Hasher(catalogue, busy))


@dataclass(frozen=True)
class Services:
    """The engine's parts. `generator` finds one by name, `generator_names` lists them; `rooms` are where requests do
    what blocks; `restart` is set when the studio is to start anew once serving has ended."""

    jobs: "JobQueue"
    store: "ImageStore"
    devices: "Lanes"
    generator: "Callable[[str], Generator]"
    generator_names: Callable[[], tuple[str, ...]]
    settings: Settings
    inputs: "InputStore"
    library: Library
    numbers: Numbers = field(default_factory=Numbers)
    rooms: Rooms = field(default_factory=Rooms)
    started: float = field(default_factory=time.time)
    warmed: threading.Event = field(default_factory=threading.Event)
    restart: threading.Event = field(default_factory=threading.Event)

    def warm(self) -> None:
        """Loads the libraries and the embedded model and evaluates it once, so that the first picture is not late."""
        from pipelines.device.memory import give_back_freed
        from pipelines.generators.text_to_image import warm

        self.devices.look()
        warm(self.devices.main)
        give_back_freed(thoroughly=True)
        self.warmed.set()

    def owns(self, visitor: Visitor) -> bool:
        """Whether this visitor may change the studio: anybody on one person's machine."""
        return visitor.owner or not self.settings.shared

    def may_train(self, visitor: Visitor) -> bool:
        return self.settings.allow_training or self.owns(visitor)

    def allow(self, generator: str, visitor: Visitor) -> None:
        """Raises NotAllowed for what would change a shared studio for everybody, or take its machine for long."""
        if generator in registry.OWNERS and not self.owns(visitor):
            raise NotAllowed("In a shared studio only its owner fetches and converts models. Ask whoever started it.")
        if generator in registry.TRAININGS and not self.may_train(visitor):
            raise NotAllowed(
                "In this shared studio only its owner starts trainings. Its owner can start it with --allow-training."
            )

    def allow_changes(self, visitor: Visitor) -> None:
        """Raises NotAllowed to whoever may not change, load or look for models."""
        if not self.owns(visitor):
            raise NotAllowed("In a shared studio only its owner changes models. Ask whoever started it.")

    def submit(self, generator: str, request: "Request", visitor: Visitor) -> "Job":
        """Queue a checked request, if this visitor may. Raises NotAllowed and what the queue raises."""
        self.allow(generator, visitor)
        if parent := request.parent_id():
            self._allow_branch(parent, visitor.client)
        return self.jobs.submit(generator, request, visitor.client, visitor.address)

    def job_for(self, job_id: str, client: str) -> "Job":
        """A job that this client may look at. Raises NotFound, NotAllowed."""
        job = self.jobs.get(job_id)
        if self.settings.shared and job.client != client:
            raise NotAllowed("This job belongs to somebody else; a shared studio shows only your own.")
        return job

    def image_for(self, image_id: str, client: str) -> "ImageInfo":
        """A picture that this client may look at. Raises NotFound, NotAllowed."""
        return self._allowed(self.store.get(image_id), client)

    def allow_folders(self, visitor: Visitor) -> None:
        """Raises NotAllowed to whoever may not see the pictures of other programs, which are the owner's own."""
        if not self.owns(visitor):
            raise NotAllowed(
                "In a shared studio only its owner sees pictures of other programs. Ask whoever started it."
            )

    def folders_shown(self, visitor: Visitor) -> tuple[str, ...]:
        """The folders of other programs whose pictures this visitor finds in the gallery."""
        return self.store.folders.shown() if self.owns(visitor) else ()

    def only_owner(self, client: str) -> str | None:
        """Whose pictures alone this client sees, by the owner's tag; None for everybody's."""
        from pipelines.store.pictures import owner_tag

        return owner_tag(client) if self.settings.shared else None

    def binned_for(self, image_id: str, client: str) -> "ImageInfo":
        """A picture in the bin that this client may look at. Raises NotFound, NotAllowed."""
        return self._allowed(self.store.bin.get(image_id), client)

    def _allowed(self, info: "ImageInfo", client: str) -> "ImageInfo":
        if self.settings.shared and not info.belongs_to(client):
            raise NotAllowed("This picture belongs to somebody else; a shared studio shows only your own.")
        return info

    def _allow_branch(self, image_id: str, client: str) -> None:
        """Raises NotAllowed for somebody else's picture; one that is not there, the queue says so."""
        with suppress(NotFound):
            self.image_for(image_id, client)

    def images(self, client: str, limit: int = 60, before: str | None = None) -> "list[ImageInfo]":
        """The newest pictures first: all of them on one person's machine, one's own in a shared studio."""
        return self.store.list(limit=limit, before=before, client=client if self.settings.shared else None)

    def close(self) -> None:
        self.library.hasher.close()
        self.jobs.close()
        self.inputs.close()
        self.devices.close()
        self.store.folders.close()
