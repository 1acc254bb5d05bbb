"""In which precision this CPU multiplies fastest where exactness is of no use."""

import torch


def rough() -> torch.dtype:
    """bfloat16 where the CPU multiplies in it; float32 where it would have to be emulated, eight times as slow.

    AVX-512 alone is enough for oneDNN's kernels; a CPU with AVX2 only has none.
    """
    capabilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if capabilities.get("avx512_bw") or capabilities.get("amx_bf16") else torch.float32
