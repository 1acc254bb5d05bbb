"""What an artist adds to a model without changing it: LoRAs, words learned from pictures, ControlNets, IP-Adapters,
upscalers.

Each is a file in a folder of its own kind, found by name, looked over before it is opened, and refused in a sentence
that names it where it does not fit. The model's own tensors stay as they are: see `Bundle.with_parts`.
"""
