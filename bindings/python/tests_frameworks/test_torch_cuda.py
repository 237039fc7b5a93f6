# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Streams and graphs of PyTorch on a CUDA GPU; left out where there is none."""
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch", reason="PyTorch could not be installed here")
if not torch.cuda.is_available():
    pytest.skip("no CUDA GPU here", allow_module_level=True)

import tileskip
import tileskip.torch as tt

A_WHILE = 200_000_000  # clocks: about a tenth of a second
RULES = "causal,window=100"


def problem(seed=0, length=300, dtype=torch.bfloat16):
    generator = torch.Generator("cuda").manual_seed(seed)
    make = lambda heads: torch.randn(2, heads, length, 64, generator=generator, device="cuda")
    return tuple(make(heads).to(dtype) for heads in (4, 2, 2))


def test_the_current_stream_is_used_and_not_waited_for():
    q, k, v = problem()
    other = problem(1)[0]
    expected = tileskip.attention(other, k, v, rules=RULES)
    tileskip.attention(q, k, v, rules=RULES)
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        tileskip.attention(q, k, v, rules=RULES)
        torch.cuda._sleep(A_WHILE)
        q.copy_(other)
        out = tileskip.attention(q, k, v, rules=RULES)
        assert not stream.query()  # the call has returned and the stream still sleeps
        doubled = out * 2
    stream.synchronize()
    assert torch.equal(doubled, expected * 2)


def test_a_mask_tensor_is_not_waited_for():
    q, k, v = problem()
    seen = torch.rand(300, 300, device="cuda") < 0.5
    expected = tileskip.attention(q, k, v, mask=seen)
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(A_WHILE)
        out = [tileskip.attention(q, k, v, mask=seen.clone()) for _ in range(4)]
        assert not stream.query()
    stream.synchronize()
    assert all(torch.equal(one, expected) for one in out)


def test_some_calls_of_a_plan_wait_on_a_stream():
    """All right in the end, and at least four of them queued before the first has begun."""
    inputs = [problem(seed) for seed in range(12)]
    plan = tileskip.plan(*inputs[0], rules=RULES)
    expected = [plan(*some) for some in inputs]
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        for some in inputs[:4]:
            plan(*some)
        torch.cuda._sleep(A_WHILE)
        out = [plan(*some) for some in inputs[:4]]
        assert not stream.query()
        out += [plan(*some) for some in inputs[4:]]
    stream.synchronize()
    assert all(torch.equal(a, b) for a, b in zip(out, expected))


def test_eight_threads_with_streams_of_their_own():
    q, k, v = problem()
    expected = tileskip.attention(q, k, v, rules=RULES)
    torch.cuda.synchronize()

    def work(_):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            made = [tileskip.attention(q, k, v, rules=RULES) for _ in range(20)]
        stream.synchronize()
        return all(torch.equal(one, expected) for one in made)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_a_named_stream_is_waited_for():
    q, k, v = problem()
    expected = tileskip.attention(q, k, v, rules=RULES)
    torch.cuda.synchronize()
    out = tileskip.attention(q, k, v, rules=RULES, stream=torch.cuda.Stream().cuda_stream)
    with torch.cuda.stream(torch.cuda.Stream()):
        assert torch.equal(out, expected)


@pytest.mark.parametrize("way", ["rules", "tensor", "map"])
def test_recorded_in_a_graph(way):
    """Replayed on new inputs, twice, and with calls outside of the graph between."""
    q, k, v = problem()
    seen = torch.rand(300, 300, device="cuda") < 0.5
    seen.fill_diagonal_(True)
    arguments = {"mask": seen} if way == "tensor" else {"rules": RULES}
    plan, given = tileskip.plan(q, k, v, **arguments), {}
    if way == "map":
        given["tile_map"] = tileskip.TileMap.from_rules(
            RULES, 300, tile=plan.tile, batch=2, n_heads=4, device="cuda:0"
        )
    plan(q, k, v, **given)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = plan(q, k, v, **given) + plan(v.repeat(1, 2, 1, 1), k, v, **given)
    for seed in (1, 2):
        for mine, new in zip((q, k, v), problem(seed)):
            mine.copy_(new)
        graph.replay()
        expected = plan(q, k, v, **given) + plan(v.repeat(1, 2, 1, 1), k, v, **given)
        graph.replay()
        assert torch.equal(out, expected)


def test_graphs_of_compiled_code():
    torch.compiler.reset()
    q, k, v = problem()

    def model(q, k, v):
        return tt.attention(q * 2, k, v, rules=RULES) + 1

    compiled = torch.compile(model, fullgraph=True, mode="reduce-overhead")
    for seed in range(4):
        given = problem(seed)
        out, expected = compiled(*given), model(*given)
        assert (out.float() - expected.float()).abs().max() < 2e-2


def test_arrays_in_two_places_are_refused():
    q, k, v = problem()
    with pytest.raises(ValueError, match="k lies on cpu, expected cuda:0 as q"):
        tileskip.attention(q, k.cpu(), v)
    with pytest.raises(ValueError, match="device is 'cpu', expected one for arrays on cuda:0"):
        tileskip.attention(q, k, v, device="cpu")
