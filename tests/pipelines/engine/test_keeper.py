"""What reaches the store of a job's pictures."""

import numpy as np
import pytest

from pipelines.engine.job import Job
from pipelines.engine.keeper import PictureKeeper
from pipelines.generators.grid import GridRequest
from pipelines.store.images import ImageStore

PICTURE = np.zeros((1, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("cells, named", [(2, True), (3, False)])
def test_a_sheet_names_the_pictures_on_it_where_all_of_them_are_kept(tmp_path, cells, named):
    store, job = ImageStore(tmp_path), Job("grid", GridRequest(), "ada")
    keeper = PictureKeeper(store)
    for _ in range(2):
        keeper.add(job, PICTURE, ({"request": {}},), False)
    keeper.add(job, PICTURE, ({"request": {}, "cells": [[0, 0, 8, 8]] * cells},), False)
    *pictures, sheet = job.image_ids
    assert store.get(sheet).recipe.get("pictures") == (pictures if named else None)
    assert "pictures" not in store.get(pictures[0]).recipe
