"""The mathematics of diffusion: noise schedules, forward and reverse process, bound, samplers."""
