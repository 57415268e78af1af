"""The `work` in the best batched PyTorch that we could write: all seeds and operations at once.

    x [S, 100, 128]  --one bmm-->  layer 1 of six networks (12 outputs)  --elementwise-->  layer 2  -->  loss [S, 6]

Tuned by hand, as measured: features first, so that the batch is contiguous; [W | G] of six networks in one bmm; all
parameters of a seed in one flat tensor; a backward pass and an Adam written out; 8 or 16 seeds. `compiled` passes a
step through torch.compile. `short` draws the inputs as 16-bit numbers, two out of every 32 random bits, which is
faster and coarser than what the other programs draw.
"""

import sys

import torch

from .. import timing
from . import work

INPUTS, HIDDEN, BATCH, OPERATIONS = (
    work.INPUTS,
    work.HIDDEN,
    work.BATCH,
    work.OPERATIONS,
)
LANES = OPERATIONS * HIDDEN  # outputs of the six first layers
SIZES = (LANES * INPUTS,) * 3 + (LANES,) * 3  # w_hat, m_hat, g of layer 1, then of layer 2
EPS = 1e-7
SEEDS = 16


def split(flat):
    """Returns the parameters [S, P] as views: those of layer 1 [S, 12, 100] and of layer 2 [S, 6, 2, 1]."""
    seeds = flat.shape[0]
    parts = flat.split(SIZES, 1)
    return [p.view(seeds, LANES, INPUTS) for p in parts[:3]] + [p.view(seeds, OPERATIONS, HIDDEN, 1) for p in parts[3:]]


def init(seeds):
    flat = torch.zeros(seeds, sum(SIZES))
    w_first, _, g_first, w_second, _, g_second = split(flat)
    w_first.uniform_(0, work.START_SPREAD)
    g_first.fill_(work.START_HIDDEN_GATE)
    w_second.copy_(torch.tensor(work.START_OUTPUT)[:, None].expand_as(w_second))
    g_second.fill_(work.START_OUTPUT_GATE)
    return flat


def draw_masks(seeds):
    """Returns [S, 2, I] zeros and ones: the slices that a and b sum."""
    masks = torch.zeros(seeds, 2, INPUTS)
    for mask in masks.view(-1, INPUTS):
        length = int(torch.randint(work.SHORTEST, work.LONGEST + 1, ()))
        start = int(torch.randint(0, INPUTS - length + 1, ()))
        mask[start : start + length] = 1
    return masks


def targets(x, masks):
    """Returns [S, 6, B]."""
    a, b = torch.bmm(masks, x).unbind(1)
    return torch.stack([a + b, a - b, a * b, a / b, a * a, a.sqrt()], 1)


def losses_and_gradients(flat, x, masks):
    """Returns the losses [S, 6] and their gradients [S, P], by hand."""
    w_hat1, m_hat1, g1, w_hat2, m_hat2, g2 = split(flat)
    seeds = x.shape[0]
    t1, s1 = w_hat1.tanh(), m_hat1.sigmoid()
    t2, s2 = w_hat2.tanh(), m_hat2.sigmoid()
    w1, w2 = t1 * s1, t2 * s2
    log_x = (x.abs() + EPS).log()
    both = torch.bmm(torch.cat([w1, g1], 1), x)
    a, gate = both[:, :LANES], both[:, LANES:].sigmoid()
    m = torch.bmm(w1, log_x).exp()
    h = torch.lerp(m, a, gate).view(seeds, OPERATIONS, HIDDEN, BATCH)
    h_eps = h.abs() + EPS
    log_h = h_eps.log()
    a2 = (w2 * h).sum(2)
    m2 = (w2 * log_h).sum(2).exp()
    gate2 = (g2 * h).sum(2).sigmoid()
    residual = torch.lerp(m2, a2, gate2) - targets(x, masks)

    d = residual * (2 / BATCH)
    da2 = (d * gate2).unsqueeze(2)  # [S, 6, 1, B]
    dm2 = (d * (1 - gate2) * m2).unsqueeze(2)
    dgate2 = (d * (a2 - m2) * gate2 * (1 - gate2)).unsqueeze(2)
    dw2 = (da2 * h + dm2 * log_h).sum(3, keepdim=True)
    dg2 = (dgate2 * h).sum(3, keepdim=True)
    dh = (da2 * w2 + dm2 * w2 * h.sign() / h_eps + dgate2 * g2).view(seeds, LANES, BATCH)
    dboth = torch.bmm(torch.cat([dh * gate, dh * (a - m) * gate * (1 - gate)], 1), x.mT)
    dw1 = dboth[:, :LANES] + torch.bmm(dh * (1 - gate) * m, log_x.mT)
    first = (dw1 * s1 * (1 - t1 * t1), dw1 * t1 * s1 * (1 - s1), dboth[:, LANES:])
    second = (dw2 * s2 * (1 - t2 * t2), dw2 * t2 * s2 * (1 - s2), dg2)
    gradients = torch.cat([part.reshape(seeds, -1) for part in (*first, *second)], 1)
    return (residual * residual).mean(2), gradients


def adam(flat, mean, square, gradients, rate, scale):
    """Updates in place; rate = lr / (1 - 0.9^t), scale = 1 / sqrt(1 - 0.999^t)."""
    mean.lerp_(gradients, 0.1)
    square.mul_(0.999).addcmul_(gradients, gradients, value=0.001)
    flat.sub_(rate * mean / (square.sqrt() * scale + 1e-8))


def draw(x, words, *, short):
    """Fills x with a fresh batch; `short` fills `words` first, of which each number takes 16 bits and is never 0."""
    if not short:
        return x.uniform_(work.LOW, work.HIGH)
    words.random_(-(2**63), None)
    x.copy_(words.view(torch.int16).view_as(x))
    return x.add_(32768.5).mul_(work.HIGH / 65536)  # LOW is 0


def runner(*, compiled=False, short=False, seeds=SEEDS, steps=20):
    """Returns the function that takes some steps with all seeds and returns how many seed-steps that were."""
    flat, masks = init(seeds), draw_masks(seeds)
    mean, square = torch.zeros_like(flat), torch.zeros_like(flat)
    x = torch.empty(seeds, INPUTS, BATCH)
    words = torch.empty(x.numel() // 4, dtype=torch.int64)
    count = 0

    def update(flat, mean, square, x, rate, scale):
        losses, gradients = losses_and_gradients(flat, x, masks)
        adam(flat, mean, square, gradients, rate, scale)
        return losses

    if compiled:
        update = torch.compile(update, dynamic=False)

    @torch.no_grad()
    def run():
        nonlocal count
        for _ in range(steps):
            count += 1
            rate = torch.tensor(work.LEARNING_RATE / (1 - 0.9**count))
            scale = torch.tensor((1 - 0.999**count) ** -0.5)
            update(flat, mean, square, draw(x, words, short=short), rate, scale)
        return steps * seeds * OPERATIONS

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    timing.print_rate(runner(compiled="compiled" in sys.argv, short="short" in sys.argv))
