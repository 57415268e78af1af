"""The MLP that the report compares with, 64-64 of ReLU, on this `work` in PyTorch, one lane after the other."""

import copy

import torch
from torch import nn

from .. import timing
from . import work


def train(x, y, rate):
    inputs, targets = x.shape[1], y.shape[1]
    model = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, targets))
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, work.STEPS)
    shuffled = torch.randperm(len(x))
    held, kept = shuffled[: int(work.HELD * len(x))], shuffled[int(work.HELD * len(x)) :]
    best, least = None, float("inf")
    for step in range(work.STEPS):
        drawn = kept[torch.randint(len(kept), (work.BATCH,))]
        loss = nn.functional.mse_loss(model(x[drawn]), y[drawn])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % (work.STEPS // work.EVALUATIONS) == 0:
            with torch.no_grad():
                error = float((model(x[held]) - y[held]).abs().mean())
            if error < least:
                best, least = copy.deepcopy(model.state_dict()), error
    return best


def runner():
    """Returns the function that trains the lanes and returns how many lane-steps that were."""
    x, y = (torch.tensor(values, dtype=torch.float32) for values in work.rows())
    x, y = ((values - values.mean(0)) / (values.std(0) + 1e-12) for values in (x, y))

    def run():
        for _ in range(work.STARTS):
            for rate in work.RATES:
                train(x, y, rate)
        return work.LANES * work.STEPS

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    timing.print_rate(runner())
