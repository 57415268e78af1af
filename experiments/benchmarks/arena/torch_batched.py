"""The `work` as fast as we could write it in PyTorch: all cells, ranges and seeds in one program, Adam written out.

The lanes are the first axes and the items the last, as in ours; the gradients of the few parameters are written by
hand, which saves autograd's graph. With "compiled" the step goes through torch.compile.
"""

import math
import sys

import torch

from .. import timing
from . import work

SEEDS, STEPS = 50, 50
COMPILED = "compiled" in sys.argv
LOW, HIGH = (torch.tensor(values)[None, :, None] for values in (work.LOWS, work.HIGHS))


def gradients(params, x0, x1):
    """Returns the gradient of every parameter, `[seeds, ranges]` each."""
    nau0, nau1, nmu0, nmu1, w0, w1, m0, m1, g0, g1 = (param[..., None] for param in params)
    half = work.BATCH / 2
    total, product = x0 + x1, x0 * x1

    dy = (x0 * nau0 + x1 * nau1 - total) / half
    of_nau = (dy * x0).sum(-1), (dy * x1).sum(-1)

    f0, f1 = 1 + nmu0 * (x0 - 1), 1 + nmu1 * (x1 - 1)
    dy = (f0 * f1 - product) / half
    of_nmu = (dy * f1 * (x0 - 1)).sum(-1), (dy * f0 * (x1 - 1)).sum(-1)

    t0, t1, s0, s1 = torch.tanh(w0), torch.tanh(w1), torch.sigmoid(m0), torch.sigmoid(m1)
    a0, a1 = t0 * s0, t1 * s1
    l0, l1 = torch.log(torch.abs(x0) + work.EPS), torch.log(torch.abs(x1) + work.EPS)
    gate, added = torch.sigmoid(x0 * g0 + x1 * g1), x0 * a0 + x1 * a1
    times = torch.exp(l0 * a0 + l1 * a1)
    dy = (gate * added + (1 - gate) * times - product) / half
    by_sum, by_product = dy * gate, dy * (1 - gate) * times
    dg = dy * (added - times) * gate * (1 - gate)
    da0 = (by_sum * x0 + by_product * l0).sum(-1, keepdim=True)
    da1 = (by_sum * x1 + by_product * l1).sum(-1, keepdim=True)
    of_nalu = (da0 * s0 * (1 - t0 * t0), da1 * s1 * (1 - t1 * t1), da0 * t0 * s0 * (1 - s0), da1 * t1 * s1 * (1 - s1))
    return torch.stack([*of_nau, *of_nmu, *(each[..., 0] for each in of_nalu), (dg * x0).sum(-1), (dg * x1).sum(-1)])


def step(params, first, second, u, count):
    """Returns parameters and Adam's memories after a step."""
    x = LOW + u[:, :, None] * (HIGH - LOW)
    slope = gradients(params, x[0], x[1])
    first = 0.9 * first + 0.1 * slope
    second = 0.999 * second + 0.001 * slope * slope
    move = (first / (1 - 0.9**count)) / (torch.sqrt(second / (1 - 0.999**count)) + 1e-8)
    params = params - work.LEARNING_RATE * move
    nau, nmu, rest = params[:2].clamp(-1, 1), params[2:4].clamp(0, 1), params[4:]
    return torch.cat([nau, nmu, rest]), first, second


def make_run():
    shape = (SEEDS, work.RANGES)
    params = torch.cat(
        [
            torch.rand(2, *shape) - 0.5,
            torch.rand(2, *shape) / 2 + 0.25,
            (2 * torch.rand(4, *shape) - 1) * work.START,
            (2 * torch.rand(2, *shape) - 1) * math.sqrt(2),
        ]
    )
    state = [params, torch.zeros_like(params), torch.zeros_like(params)]
    count = torch.tensor(0.0)
    one = torch.compile(step) if COMPILED else step

    def run():
        nonlocal state, count
        with torch.no_grad():
            for _ in range(STEPS):
                count = count + 1
                state = one(*state, torch.rand(2, SEEDS, work.BATCH), count)
        return len(work.CELLS) * STEPS * SEEDS * work.RANGES

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    timing.print_rate(make_run())
