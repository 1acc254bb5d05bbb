"""What the conversion of a file may be asked for."""

from dataclasses import dataclass

from pipelines.models.converting import sources
from pipelines.params import Choice, Request, param

DTYPES = ("keep", "float32", "float16", "bfloat16")
OUTPUTS = ("file", "folder")


@dataclass(frozen=True)
class ConvertRequest(Request):
    """A file among the models, and what it shall become."""

    source: str = param("", Choice(sources.names, sources.resolve), "The file among the models to convert.")
    dtype: str = param("keep", Choice(DTYPES), "How its numbers are kept; 'keep' leaves them as they are.")
    output: str = param("file", Choice(OUTPUTS), "One safetensors file, or a folder as diffusers reads it.")
