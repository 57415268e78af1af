"""The `work` as most people would write it in PyTorch: one network at a time, nn.Module, Adam."""

import torch
from torch import nn

from .. import timing
from . import work

STEPS = 200


class NAU(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(2, 1) - 0.5)

    def forward(self, x):
        return x @ self.w

    def project(self):
        self.w.data.clamp_(-1, 1)


class NMU(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(2, 1) / 2 + 0.25)

    def forward(self, x):
        return torch.prod(x.unsqueeze(-1) * self.w + 1 - self.w, dim=-2)

    def project(self):
        self.w.data.clamp_(0, 1)


class NALU(nn.Module):
    def __init__(self):
        super().__init__()
        self.w_hat = nn.Parameter((2 * torch.rand(2, 1) - 1) * work.START)
        self.m_hat = nn.Parameter((2 * torch.rand(2, 1) - 1) * work.START)
        self.g = nn.Parameter(2 * torch.rand(2, 1) - 1)

    def forward(self, x):
        w = torch.tanh(self.w_hat) * torch.sigmoid(self.m_hat)
        gate = torch.sigmoid(x @ self.g)
        return gate * (x @ w) + (1 - gate) * torch.exp(torch.log(torch.abs(x) + work.EPS) @ w)

    def project(self):
        pass


def train(cell, low, high):
    model = cell()
    optimiser = torch.optim.Adam(model.parameters(), lr=work.LEARNING_RATE)
    for _ in range(STEPS):
        x = low + torch.rand(work.BATCH, 2) * (high - low)
        target = x.sum(1) if cell is NAU else x.prod(1)
        optimiser.zero_grad()
        loss = torch.mean((model(x)[:, 0] - target) ** 2)
        loss.backward()
        optimiser.step()
        model.project()


def run():
    for cell in (NAU, NMU, NALU):
        train(cell, work.LOWS[6], work.HIGHS[6])
    return len(work.CELLS) * STEPS


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    timing.print_rate(run)
