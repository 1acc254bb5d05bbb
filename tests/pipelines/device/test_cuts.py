"""Attention in blocks: the same bits as in one piece, and a place for others between two of them."""

import pytest
import torch
import torch.nn.functional as F

from pipelines.device.cuts import BLOCK, SHORTEST, CutAttention, attention, blocks, worth_it
from pipelines.device.turns import serving_between


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("length", [SHORTEST, SHORTEST + 1, 5 * BLOCK - 1])
@pytest.mark.parametrize("keys", [None, 77])
@pytest.mark.parametrize("width", [8, 40])
def test_cut_attention_has_the_bits_of_the_whole(length, keys, width):
    g = torch.Generator().manual_seed(0)
    query = torch.randn(1, 2, length, width, generator=g)
    key, value = (torch.randn(1, 2, keys or length, width, generator=g) for _ in range(2))
    with torch.inference_mode():
        assert torch.equal(attention(query, key, value), F.scaled_dot_product_attention(query, key, value))


def test_each_query_keeps_its_own_row_of_a_mask():
    g = torch.Generator().manual_seed(0)
    query, key = torch.randn(1, 1, SHORTEST, 8, generator=g), torch.randn(1, 1, 16, 8, generator=g)
    mask = torch.randn(1, 1, SHORTEST, 16, generator=g)
    whole = F.scaled_dot_product_attention(query, key, key, mask)
    torch.testing.assert_close(attention(query, key, key, attn_mask=mask), whole)
    shared = mask[:, :, :1]
    torch.testing.assert_close(
        attention(query, key, key, attn_mask=shared), F.scaled_dot_product_attention(query, key, key, shared)
    )


def test_blocks_cover_everything_once_and_none_is_short():
    for length in (SHORTEST, SHORTEST + 700, 10_000):
        spans = list(blocks(length))
        assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])] and spans[-1][1] == length
        assert min(stop - start for start, stop in spans) >= BLOCK


def test_others_come_in_between_long_attentions_only():
    asked: list[int] = []
    long, short = torch.randn(1, 1, SHORTEST, 8), torch.randn(1, 1, SHORTEST - 1, 8)
    with serving_between(lambda: asked.append(1)), CutAttention():
        F.scaled_dot_product_attention(short, short, short)
        assert not asked
        F.scaled_dot_product_attention(long, long, long)
        assert len(asked) == SHORTEST // BLOCK


def test_only_large_latents_on_a_cpu_are_worth_it():
    assert worth_it(torch.zeros(1, 4, 64, 64)) and not worth_it(torch.zeros(1, 4, 64, 63))
    assert not worth_it(torch.zeros(1, 4, 64, 64, device="meta"))
