"""The `work` as most people would write it: worlds in Python, an agent in PyTorch.

`GridWorld` has the interface of Gymnasium, which is not needed here. A world draws its picture at every step, and is
not stepped after the end of its episode; vision runs on the pictures of every step.
"""

import itertools
import random

import numpy as np
import torch
from torch import nn

from ...tracking_time.world import AGENT, BORDER, CELL, FLOOR, MOVES, PIXELS, SIDE, STEPS, TARGET
from ..timing import print_rate
from . import work

CONFIG = work.CONFIG
COLOURS = {"agent": np.array(AGENT, np.uint8), "target": np.array(TARGET, np.uint8)}
EMPTY = np.full((PIXELS, PIXELS, 3), BORDER, np.uint8)
EMPTY[CELL:-CELL, CELL:-CELL] = FLOOR
MOVED = [tuple(map(int, step)) for step in STEPS]


class GridWorld:
    """The world of one agent; without a start in `options` a new episode has a random one."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def reset(self, *, options=None):
        """Returns the first observation of an episode, and remarks.

        Args:
          options: `{"start": (agent's cell, target's cell, T)}`.
        """
        if options is None:
            agent, target = self.random.sample(range(SIDE**2), 2)
            self.instruction = self.random.randint(*CONFIG.instructed)
        else:
            agent, target, self.instruction = options["start"]
        self.agent, self.target, self.time = divmod(agent, SIDE), divmod(target, SIDE), 0
        return self._observation(), {}

    def step(self, action):
        """Returns observation, reward, whether the episode ended by arrival or by the limit, and remarks."""
        (row, column), (down, right) = self.agent, MOVED[action]
        self.agent = min(max(row + down, 0), SIDE - 1), min(max(column + right, 0), SIDE - 1)
        self.time += 1
        arrived = self.agent == self.target
        reward = 1 - CONFIG.fall_off * abs(self.instruction - self.time) if arrived else 0.0
        return self._observation(), reward, arrived, not arrived and self.time >= CONFIG.limit, {}

    def _observation(self):
        pixels = EMPTY.copy()
        for (row, column), colour in ((self.target, COLOURS["target"]), (self.agent, COLOURS["agent"])):
            top, left = CELL * (row + 1), CELL * (column + 1)
            pixels[top : top + CELL, left : left + CELL] = colour
        return {"pixels": pixels, "instruction": float(self.instruction) if self.time == 0 else 0.0}


class NAC(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w_hat, self.m_hat = (nn.Parameter(nn.init.xavier_uniform_(torch.empty(outputs, inputs))) for _ in range(2))

    def forward(self, x):
        return nn.functional.linear(x, torch.tanh(self.w_hat) * torch.sigmoid(self.m_hat))


class Net(nn.Module):
    """The agent."""

    def __init__(self):
        super().__init__()
        cells = (PIXELS // CELL) ** 2
        self.vision = nn.Sequential(
            nn.Conv2d(3, CONFIG.channels, CELL, stride=CELL),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(cells * CONFIG.channels, CONFIG.features),
            nn.ReLU(),
        )
        self.nac = NAC(1 + CONFIG.hidden, CONFIG.counts)
        self.lstm = nn.LSTMCell(CONFIG.features + 1 + CONFIG.counts, CONFIG.hidden)
        self.policy = nn.Linear(CONFIG.hidden, len(MOVES))
        self.value = nn.Linear(CONFIG.hidden, 1)
        with torch.no_grad():
            self.lstm.bias_ih.requires_grad_(False).zero_()  # ours has one bias

    def start(self, episodes):
        """Returns h, c and the count before the first step."""
        return *torch.zeros(2, episodes, CONFIG.hidden), torch.zeros(episodes, CONFIG.counts)

    def forward(self, memory, pixels, told):
        """Returns the next memory, logits [B, A] and values [B], of pixels [B, 56, 56, 3] and instructions [B, 1]."""
        h, c, count = memory
        features = self.vision(pixels.permute(0, 3, 1, 2).float() / 255)
        count = count + self.nac(torch.cat([told, h], 1))
        h, c = self.lstm(torch.cat([features, told, count], 1), (h, c))
        return (h, c, count), self.policy(h), self.value(h)[:, 0]


def play(net, worlds, starts=None, actions=None):
    """Returns what `loss` asks for, of an episode of every world.

    Args:
      starts: (agent's cell, target's cell, T) of every episode; else random.
      actions: [T, B]; else drawn from the policy.
    """
    options = itertools.repeat(None) if starts is None else [{"start": start} for start in starts]
    seen = [world.reset(options=each)[0] for world, each in zip(worlds, options, strict=False)]
    running, memory, steps = [True] * len(worlds), net.start(len(worlds)), []
    for t in range(CONFIG.limit):
        pixels = torch.from_numpy(np.stack([each["pixels"] for each in seen]))
        told = torch.tensor([[each["instruction"]] for each in seen])
        memory, logits, values = net(memory, pixels, told)
        chosen = torch.distributions.Categorical(logits=logits).sample() if actions is None else actions[t]
        rewards, before = [0.0] * len(worlds), torch.tensor(running, dtype=torch.float32)
        for b, (world, action) in enumerate(zip(worlds, chosen.tolist(), strict=True)):
            if running[b]:
                seen[b], rewards[b], terminated, truncated, _ = world.step(action)
                running[b] = not (terminated or truncated)
        steps.append((logits, values, chosen, torch.tensor(rewards), before))
    return [torch.stack(leaves) for leaves in zip(*steps, strict=True)]


def loss(logits, values, actions, rewards, running):
    """Returns the actor-critic's loss of episodes: logits [T, B, A], all else [T, B]."""
    advantages = estimated(values.detach(), rewards, running)
    log_p = logits.log_softmax(-1)
    chosen = log_p.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    entropy = -(log_p.exp() * log_p).sum(-1)
    off = values - (values.detach() + advantages)
    return (running * (-chosen * advantages + CONFIG.value * off**2 - work.ENTROPY * entropy)).sum() / running.sum()


def estimated(values, rewards, running):
    """Returns generalised advantage estimates [T, B]; `running` is 1 up to the step that ends an episode."""
    follows = torch.cat([running[1:], torch.zeros_like(running[:1])])
    ahead = follows * torch.cat([values[1:], torch.zeros_like(values[:1])])
    surprise = rewards + work.DISCOUNT * ahead - values
    later, found = torch.zeros_like(values[0]), []
    for now, follow in zip(surprise.flip(0), follows.flip(0), strict=True):
        later = now + work.DISCOUNT * work.TRACE * follow * later
        found.append(later)
    return running * torch.stack(found[::-1])


def taking(updates, loss, weights, **options):
    """Returns the function that takes some updates by Adam and returns how many environment steps they had."""
    optimiser = torch.optim.Adam(weights, lr=work.LEARNING_RATE, **options)

    def run():
        for _ in range(updates):
            optimiser.zero_grad()
            loss().backward()
            nn.utils.clip_grad_norm_(weights, CONFIG.clip)
            optimiser.step()
        return work.steps(updates)

    return run


def runner(updates=2):
    """Returns the function that takes some updates of the plain program."""
    net, worlds = Net(), [GridWorld(seed) for seed in range(CONFIG.episodes)]
    return taking(updates, lambda: loss(*play(net, worlds)), list(net.parameters()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    print_rate(runner())
