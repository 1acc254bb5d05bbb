"""Reads compositions of shapes back exactly, in all colours that drawings have too."""

from dataclasses import replace

from pipelines.data import recolouring, scene_parser
from pipelines.data.compositions import Composition
from pipelines.data.scenes import Scene, Thing
from pipelines.evaluation.parts import Picture


def judge(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """Ground, count, colours, shapes, sizes and relation, and `all` of them; "beside" is left or right of."""
    things = tuple(Thing(*figure.appearance, figure.x, figure.y, figure.radius) for figure in wanted.figures)
    scene = Scene(str(wanted.ground), things, wanted.relation)
    orders = ("left of", "right of") if wanted.relation == "beside" else (wanted.relation,)
    scenes = [replace(scene, relation=relation) for relation in orders]
    found = [scene_parser.agrees(picture, one, recolouring.COLOURS) for one in scenes]
    return max(found, key=lambda verdict: sum(verdict.values()))
