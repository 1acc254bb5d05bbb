"""What each generator may be asked for; importable by the page and the command line without torch."""

from pipelines.requests.others import DecodeRequest, SeenRequest, SketchRequest, UpscaleRequest
from pipelines.requests.text_to_image import TextToImageRequest

__all__ = ["DecodeRequest", "SeenRequest", "SketchRequest", "TextToImageRequest", "UpscaleRequest"]
