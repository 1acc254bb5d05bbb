"""How a job's pictures reach the store, each once, and what becomes of those that a full disk refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.engine.job import Job, Unsaved
from pipelines.errors import BadFile, NotFound, StorageError
from pipelines.events import Film
from pipelines.params import Request
from pipelines.store import parents
from pipelines.store.trajectories import TrajectoryStore
from pipelines.theory.trajectory import Trajectory

MOST_HELD_BYTES = 256 * 2**20


class Store(Protocol):
    """Where pictures go. `save` returns the picture's id, or raises StorageError with nothing half written."""

    def new_id(self) -> str: ...
    def has(self, image_id: str) -> bool: ...
    def recipe(self, image_id: str) -> dict[str, Any]: ...
    def digest(self, image_id: str) -> str: ...
    def pixels(self, image_id: str) -> NDArray[np.uint8]: ...
    def save_film(self, film_id: str, kind: str, data: bytes) -> None: ...
    def save(
        self, image: np.ndarray, recipe: dict[str, Any], client: str = "", unfinished: bool = False, image_id: str = ""
    ) -> str: ...


class PictureKeeper:
    """Saves pictures in their order; those that cannot be saved stay with their job, within `most_held` bytes of all.

    trajectories -- where the steps of saved pictures are kept for branches; None to forget them
    record -- writes the jobs down. It is called with the id of each picture before the picture is written: whoever
              finds the id and the file knows that this one is saved, and does not save it a second time
    """

    def __init__(
        self,
        store: Store,
        record: Callable[[], None] = lambda: None,
        most_held: int = MOST_HELD_BYTES,
        trajectories: TrajectoryStore | None = None,
    ) -> None:
        self._store, self._record, self._most_held = store, record, most_held
        self._trajectories = trajectories
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}  # bytes by job
        self._refusals: dict[str, StorageError] = {}  # the last of each job that holds pictures

    def recipe(self, image_id: str) -> dict[str, Any]:
        """That of a saved picture; {} where there is none, or the picture is not here any more."""
        try:
            return self._store.recipe(image_id)
        except (NotFound, BadFile):
            return {}

    def name_parents(self, job: Job, request: Request) -> None:
        """What the job's pictures are made from, once the request has all that it needs."""
        job.parents = parents.named(request, lambda image_id: self._store.digest(image_id))

    def add_film(self, job: Job, film: Film) -> None:
        """Under its own name, by which it is found. Raises StorageError with nothing half written."""
        self._store.save_film(job.film_id, film.kind, film.data)

    def add(
        self,
        job: Job,
        images: np.ndarray,
        recipes: tuple[dict[str, Any], ...],
        unfinished: bool,
        trajectories: Sequence[Trajectory] = (),
    ) -> None:
        """Save new pictures of a job, after those that it holds; a full disk leaves them all with the job.

        Raises StorageError only where they would be too many to hold.
        """
        again = min(job.already_saved, len(images))
        job.already_saved -= again
        steps = trajectories or [None] * len(images)
        for image, recipe, trajectory in list(zip(images, recipes, steps, strict=True))[again:]:
            job.unsaved.append(Unsaved(image, recipe, unfinished, trajectory))
        try:
            self.save(job)
        except StorageError as error:
            self._hold(job, error)

    def save(self, job: Job) -> None:
        """Write the pictures that the job holds. Raises StorageError; what was written until then counts."""
        try:
            while job.unsaved:
                picture = job.unsaved[0]
                job.saving = self._store.new_id()
                self._record()
                recipe = _with_parents(_with_cells(picture.recipe, job.image_ids), job.parents)
                self._store.save(picture.image, recipe, job.client, picture.unfinished, job.saving)
                if self._trajectories is not None and picture.trajectory is not None:
                    self._trajectories.add(job.saving, picture.trajectory)
                job.saved()
                del job.unsaved[0]
        except StorageError as error:
            with self._lock:
                self._refusals[job.id] = error
            raise
        finally:
            job.saving = ""
            self._count(job)

    def check(self, job: Job) -> None:
        """Raises StorageError, as the disk said it, where the job holds pictures."""
        with self._lock:
            refusal = self._refusals.get(job.id)
        if refusal is not None:
            raise StorageError(refusal.sentence)

    def forget(self, job: Job) -> None:
        """The job is gone, and what it held."""
        job.unsaved.clear()
        self._count(job)

    def _hold(self, job: Job, error: StorageError) -> None:
        job.unsaved[:] = [replace(picture, trajectory=None) for picture in job.unsaved]  # these can be painted again
        with self._lock:
            room = self._most_held - sum(held for other, held in self._held.items() if other != job.id)
        own, fitting = 0, 0
        for picture in job.unsaved:
            own += picture.image.nbytes
            fitting += own <= room
        let_go = len(job.unsaved) - fitting
        del job.unsaved[fitting:]
        self._count(job)
        if let_go:
            raise StorageError(
                "{why} {let_go} of its pictures could not even be held in memory, where others wait for the "
                "disk already; try this job again later.",
                why=error.sentence,
                let_go=let_go,
            )

    def _count(self, job: Job) -> None:
        with self._lock:
            if job.unsaved:
                self._held[job.id] = sum(picture.image.nbytes for picture in job.unsaved)
            else:
                self._held.pop(job.id, None)
                self._refusals.pop(job.id, None)


def _with_parents(recipe: dict[str, Any], parents: list[dict[str, Any]]) -> dict[str, Any]:
    """A sheet's are its cells; an enlarged picture's own take the place of those of the picture that it shows."""
    if "cells" in recipe:
        return recipe
    rest = {name: value for name, value in recipe.items() if name != "parents"}
    return rest | {"parents": parents} if parents else rest


def _with_cells(recipe: dict[str, Any], image_ids: list[str]) -> dict[str, Any]:
    """A sheet's recipe with the ids of the pictures on it, which are those that its job saved before it; where some
    could not be kept there are none."""
    cells = recipe.get("cells", ())
    return recipe | {"pictures": list(image_ids)} if cells and len(cells) == len(image_ids) else recipe
