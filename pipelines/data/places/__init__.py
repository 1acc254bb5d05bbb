"""Places drawn by program: landscapes, towns and rooms at any time of day and in any weather, and words for them.

`random_place` says what is to be seen, `draw` paints it, `spots` finds where things can stand, `english` and
`chinese` name it, `places_parser.read` reads it back.
"""

from pipelines.data.places.drawing import draw
from pipelines.data.places.place import KINDS, TIMES, WEATHERS, Place, combinations, random_place

__all__ = ["KINDS", "TIMES", "WEATHERS", "Place", "combinations", "draw", "random_place"]
