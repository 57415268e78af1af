"""The `work` in PyTorch: plain, and the best that we could write.

Plain is nn.LSTMCell, nn.Linear and Adam in a loop over the steps. The best holds several networks, each in one row of
one tensor: an LSTM whose four gates are one product, and a fused Adam; `compiled` passes the clipped gradients through
all 12 steps, by torch.func, through torch.compile. More was tried and was no faster: the loss alone in torch.compile,
the symbols' products before the loop, the NALU's sums as a product, max_autotune; with Adam in it, too, torch.compile
of 2.13 fails. `eight` trains eight networks at once.
"""

import sys

import torch
from torch import nn

from ..timing import print_rate
from . import work

BATCHES = 128  # in store, for each network
REGISTERS, INPUTS, HIDDEN = work.REGISTERS, work.REGISTERS + 1, work.HIDDEN
EMITTED = (INPUTS * REGISTERS, INPUTS * REGISTERS, REGISTERS)  # w_hat, m_hat, g_hat
# Of a network: the LSTM's weights for symbols, compared registers and h, and its bias; the same of the dense layer.
SHAPES = (
    (work.SYMBOLS + REGISTERS + HIDDEN, 4 * HIDDEN),
    (1, 4 * HIDDEN),
    (HIDDEN, sum(EMITTED)),
    (1, sum(EMITTED)),
)


def started():
    """Returns what the LSTM emits at the start: every register is held, the gate open to the additive path."""
    held = work.HOLD * torch.eye(INPUTS, REGISTERS).flatten()
    return torch.cat([held, held, torch.full((REGISTERS,), work.GATE)])


def nalu(emitted, x):
    """Returns [..., R] from [..., X] and [..., I]: each item by weights of its own."""
    w_hat, m_hat, g_hat = emitted.split(EMITTED, -1)
    w = (w_hat.tanh() * m_hat.sigmoid()).unflatten(-1, (INPUTS, REGISTERS))
    a = (x.unsqueeze(-1) * w).sum(-2)
    m = ((x.abs() + work.EPS).log().unsqueeze(-1) * w).sum(-2).clamp(max=work.CLIP).exp()
    return torch.lerp(m, a, g_hat.sigmoid())


class Net(nn.Module):
    """One network as most people would write it."""

    def __init__(self):
        super().__init__()
        self.controller = nn.LSTMCell(work.SYMBOLS + REGISTERS, HIDDEN)
        self.controls = nn.Linear(HIDDEN, sum(EMITTED))
        with torch.no_grad():
            self.controller.bias_ih.requires_grad_(False).zero_()  # ours has one bias
            self.controls.bias.copy_(started())

    def forward(self, seen):
        """Returns the answers [N] to programs [T, N, X]."""
        registers, state = seen.new_zeros(work.BATCH, REGISTERS), None
        for symbol, value in zip(seen[..., :-1], seen[..., -1:] / work.UNIT, strict=True):
            compared = torch.tanh(registers * work.UNIT)
            state = self.controller(torch.cat([symbol, compared], 1), state)
            registers = nalu(self.controls(state[0]), torch.cat([registers, value], 1))
        return registers[:, 0] * work.UNIT


def take_step(net, optimiser, seen, answers):
    """Trains a network on programs [T, N, X] with answers [N]."""
    loss = ((net(seen) - answers).square().mean() + work.TINY).sqrt()
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), work.NORM)
    optimiser.step()
    return loss


def init(seeds):
    """Returns networks [S, P]."""
    flat = torch.empty(seeds, sum(rows * columns for rows, columns in SHAPES)).uniform_(-(HIDDEN**-0.5), HIDDEN**-0.5)
    split(flat)[3].copy_(started())
    return flat


def split(flat):
    """Returns the parameters of networks [S, P] as views, each [S, *shape]."""
    parts = flat.split([rows * columns for rows, columns in SHAPES], 1)
    return [part.view(-1, *shape) for part, shape in zip(parts, SHAPES, strict=True)]


def losses(flat, seen, answers):
    """Returns the losses [S] of networks [S, P] on programs [T, S, N, X] with answers [S, N]."""
    w_gates, b_gates, w_controls, b_controls = split(flat)
    registers = seen.new_zeros(*answers.shape, REGISTERS)
    h = c = seen.new_zeros(*answers.shape, HIDDEN)
    for symbol, value in zip(seen[..., :-1], seen[..., -1:] / work.UNIT, strict=True):
        compared = torch.tanh(registers * work.UNIT)
        gates = torch.baddbmm(b_gates, torch.cat([symbol, compared, h], 2), w_gates)
        i, f, g, o = gates.chunk(4, 2)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        registers = nalu(torch.baddbmm(b_controls, h, w_controls), torch.cat([registers, value], 2))
    return ((registers[..., 0] * work.UNIT - answers).square().mean(1) + work.TINY).sqrt()


def clipped(gradients):
    """Returns the gradients [S, P], each network's shortened to a norm of at most `NORM`."""
    return gradients * (work.NORM / gradients.norm(dim=1, keepdim=True)).clamp(max=1)


def eager_gradients(flat, seen, answers):
    """Returns clipped gradients [S, P]; torch.func is slower where it is not compiled."""
    flat = flat.detach().requires_grad_()
    return clipped(*torch.autograd.grad(losses(flat, seen, answers).sum(), flat))


def gradients_to_compile(flat, seen, answers):
    """Returns clipped gradients [S, P]."""
    return clipped(torch.func.grad(lambda flat: losses(flat, seen, answers).sum())(flat))


def plain_runner(steps=20):
    """Returns the function that takes some steps with one network and returns how many that were."""
    batches = list(zip(*map(torch.from_numpy, work.store(BATCHES)), strict=True))
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), lr=work.LEARNING_RATE)
    taken = 0

    def run():
        nonlocal taken
        for _ in range(steps):
            take_step(net, optimiser, *batches[taken % BATCHES])
            taken += 1
        return steps

    return run


def best_runner(*, compiled=False, seeds=1, steps=20):
    """Returns the function that takes some steps with all networks and returns how many seed-steps that were."""
    seen, answers = map(torch.from_numpy, work.store(BATCHES, seeds))
    seen = seen.transpose(1, 2).contiguous()
    gradients_of = torch.compile(gradients_to_compile, dynamic=False) if compiled else eager_gradients
    flat = init(seeds)
    optimiser = torch.optim.Adam([flat], lr=work.LEARNING_RATE, fused=True)
    taken = 0

    def run():
        nonlocal taken
        for _ in range(steps):
            flat.grad = gradients_of(flat, seen[taken % BATCHES], answers[taken % BATCHES])
            optimiser.step()
            taken += 1
        return seeds * steps

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    chosen = {"compiled": "compiled" in sys.argv, "seeds": work.SEEDS if "eight" in sys.argv else 1}
    print_rate(best_runner(**chosen) if "best" in sys.argv else plain_runner())
