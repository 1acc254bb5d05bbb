"""The bridge: any text-to-image pipeline of diffusers as a model of the studio.

Architectures whose loop is short have one of ours (pipelines/diffusion/architectures). Every other pipeline paints with
its own loop, which runs in a thread and stands still at each call of its scheduler, so that the steps can be shown, led
by one of our samplers, and stopped.

asked.py       a request as the arguments of the pipeline's call, and what it cannot be told
model.py       the parts in memory, the preview
leading.py     which sampler of ours a scheduler is, and whether ours can lead its steps
scheduling.py  the pipeline's own scheduler watched, or one whose steps come from outside
crossing.py    a call in a thread of its own that stands still whenever it shows something
walk.py        the steps of one picture
painting.py    the stream

What a pipeline class can be told, and whether its folder is sound, is known below: pipelines/models/bridged.
"""
