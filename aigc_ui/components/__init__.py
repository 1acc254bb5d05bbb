"""What a person gives to a generator and Gradio has no component for: typed values that the page's scripts draw.

Gradio writes a stub (`*.pyi`, which git ignores) beside each of these files when it is imported, so a file holds its
class and nothing below it.
"""

from aigc_ui.components.border_input import BorderInput
from aigc_ui.components.curve_pad import CurvePad
from aigc_ui.components.picture_input import PictureInput

__all__ = ["BorderInput", "CurvePad", "PictureInput"]
