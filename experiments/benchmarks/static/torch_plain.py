"""The `work` as most people would write it in PyTorch: one network at a time, nn.Module, Adam."""

import itertools

import torch
from torch import nn

from .. import timing
from . import work

OPERATIONS = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**2,
    lambda a, b: torch.sqrt(a),
)


class NALU(nn.Module):
    """The paper's layer."""

    def __init__(self, inputs, outputs, eps=1e-7):
        super().__init__()
        self.w_hat = nn.Parameter(torch.rand(inputs, outputs) * work.START_SPREAD)
        self.m_hat = nn.Parameter(torch.zeros(inputs, outputs))
        self.g = nn.Parameter(torch.full((inputs, outputs), work.START_HIDDEN_GATE))
        self.eps = eps

    def forward(self, x):
        w = torch.tanh(self.w_hat) * torch.sigmoid(self.m_hat)
        gate = torch.sigmoid(x @ self.g)
        a = x @ w
        m = torch.exp(torch.log(torch.abs(x) + self.eps) @ w)
        return gate * a + (1 - gate) * m


def make_model():
    model = nn.Sequential(NALU(work.INPUTS, work.HIDDEN), NALU(work.HIDDEN, 1))
    with torch.no_grad():
        model[1].w_hat[:, 0] = torch.tensor(work.START_OUTPUT)
        model[1].g.fill_(work.START_OUTPUT_GATE)
    return model


def draw_slice():
    length = int(torch.randint(work.SHORTEST, work.LONGEST + 1, ()))
    start = int(torch.randint(0, work.INPUTS - length + 1, ()))
    return slice(start, start + length)


def train(operation, steps):
    model = make_model()
    optimiser = torch.optim.Adam(model.parameters(), lr=work.LEARNING_RATE)
    first, second = draw_slice(), draw_slice()
    for _ in range(steps):
        x = work.LOW + (work.HIGH - work.LOW) * torch.rand(work.BATCH, work.INPUTS)
        a, b = x[:, first].sum(1, keepdim=True), x[:, second].sum(1, keepdim=True)
        loss = nn.functional.mse_loss(model(x), operation(a, b))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


def runner(steps=100):
    """Returns the function that trains one more network and returns how many steps that were."""
    operations = itertools.cycle(OPERATIONS)

    def run():
        train(next(operations), steps)
        return steps

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    timing.print_rate(runner())
