"""Pipelines of diffusers that paint by their own loop, as folders."""
