"""What a branch needs to know of the picture that it goes on from: its recipe, its pictures, its steps."""

from __future__ import annotations

from typing import Any

from pipelines.engine.keeper import Store
from pipelines.errors import BadRequest, NotFound
from pipelines.params import Request
from pipelines.requests.branch import MOST_ANCESTORS, Parent
from pipelines.store.inputs import InputStore
from pipelines.store.trajectories import TrajectoryStore


def recipe_of_parent(request: Request, store: Store) -> dict[str, Any]:
    """Raises NotFound, in the words of a branch where it is one."""
    try:
        return store.recipe(request.parent_id())
    except NotFound:
        if "branch_from" not in request.values():
            raise NotFound("the picture is not here any more. Choose another one.") from None
        raise NotFound(
            "the picture to branch from is not here any more. Choose another one, or leave branch_from empty."
        ) from None


def check(request: Request, store: Store) -> None:
    """Raises NotFound, BadFile, BadRequest where the request cannot branch from the picture that it names."""
    if request.parent_id():
        request.parent_request(recipe_of_parent(request, store))


def with_parent(
    request: Request, store: Store, inputs: InputStore | None, trajectories: TrajectoryStore, deep: int = 0
) -> Request:
    """The request with what it branches from; where those steps are not in memory any more, with all that painting
    them again needs, their own parent included. Raises as `check`."""
    if not request.parent_id():
        return request
    if deep == MOST_ANCESTORS:
        raise BadRequest(
            "more than {most} branches lie between this picture and the first one. Choose one of the earlier pictures.",
            most=MOST_ANCESTORS,
        )
    recipe = recipe_of_parent(request, store)
    parent = request.parent_request(recipe)
    kept = None if request.needs_all_of(parent) else trajectories.get(request.parent_id())
    if kept is None:
        parent = parent if inputs is None else parent.with_pictures(inputs.load)
        parent = with_parent(parent, store, inputs, trajectories, deep + 1)
    digest = store.digest(request.parent_id()) if request.repeats_parent else ""
    image = store.pixels(request.parent_id()) if request.shows_parent else None
    return request.with_parent(Parent(parent, str(recipe.get("model_hash") or ""), kept, recipe, digest, image))
