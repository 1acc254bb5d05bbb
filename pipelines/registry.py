"""The generators by name, where other programs look for them; they live in pipelines/engine/registry.py."""

from pipelines.engine.registry import get, names

__all__ = ["get", "names"]
