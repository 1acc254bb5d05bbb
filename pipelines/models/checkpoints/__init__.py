"""Checkpoints of one file, as artists have them: tensors in diffusers' layout, configs from their shapes."""
