"""A copy of a module whose tensors are the original's own: it can be built differently and costs no memory."""

import copy
from typing import Any


def sharing(module: Any) -> Any:
    """All modules are copied, hooks and settings with them; parameters and buffers are the same objects."""
    tensors = (*module.parameters(), *module.buffers())
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
