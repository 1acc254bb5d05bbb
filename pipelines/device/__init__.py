"""The device, and the models that are on it."""
