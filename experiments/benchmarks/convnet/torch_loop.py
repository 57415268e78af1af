"""The `work` in PyTorch, one network at a time: nn.Module, Adam, as the example has it.

`tuned` keeps the channels last and fuses Adam, `compiled` passes the loss through torch.compile and fuses Adam. More
was tried and was no faster: both together, a whole step in torch.compile, pooling by maximums, convolution as a matrix
product. `eight` trains eight networks, one after another.
"""

import sys

import torch
from torch import nn
from torch.nn import functional

from ..timing import print_rate
from . import work


class Net(nn.Module):
    """The example's network, without its dropout."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, work.CLASSES)

    def forward(self, x):
        x = functional.relu(functional.max_pool2d(self.conv1(x), 2))
        x = functional.relu(functional.max_pool2d(self.conv2(x), 2))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


def normalised(images):
    """Returns [B, 1, 28, 28]."""
    return ((images.float() / 255 - work.MEAN) / work.DEVIATION)[:, None]


def loss(net, images, labels, chosen):
    """Returns the loss on the images `chosen` [B]."""
    return functional.cross_entropy(net(normalised(images[chosen])), labels[chosen])


def runner(*, tuned=False, compiled=False, seeds=1, steps=work.STEPS):
    """Returns the function that takes some steps with each network and returns how many images that were."""
    images, labels = map(torch.from_numpy, work.data())
    nets = [Net() for _ in range(seeds)]
    if tuned:
        nets = [net.to(memory_format=torch.channels_last) for net in nets]
    fused = {"fused": True} if tuned or compiled else {}
    optimisers = [torch.optim.Adam(net.parameters(), lr=work.LEARNING_RATE, **fused) for net in nets]
    loss_of = torch.compile(loss, dynamic=False) if compiled else loss

    def run():
        for net, optimiser in zip(nets, optimisers, strict=True):
            for _ in range(steps):
                chosen = torch.randint(len(labels), (work.BATCH,))
                optimiser.zero_grad()
                loss_of(net, images, labels, chosen).backward()
                optimiser.step()
        return seeds * steps * work.BATCH

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    options = {option: option in sys.argv for option in ("tuned", "compiled")}
    print_rate(runner(**options, seeds=work.SEEDS if "eight" in sys.argv else 1))
