"""Diffusion: one denoiser contract for every model, one short function for every sampler."""

from pipelines.theory.samplers import SAMPLER_LABELS, SAMPLERS, Step

__all__ = ["SAMPLERS", "SAMPLER_LABELS", "Step"]
