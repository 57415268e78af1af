"""The `work` in PyTorch, the best that we could write: all worlds at once, as tensors.

A world is its place among the 625 pictures, and a move is a look into a table. Vision, and the LSTM's product with what
is seen, run once an update on all pictures and are looked up; rewards, values and the loss are those of all steps at
once; the weights are one tensor with one fused Adam. `compiled` passes the step, the loss and vision through
torch.compile, but not the lookup.
"""

import sys

import torch
from torch.nn import functional

from ...tracking_time import world
from ...tracking_time.world import CELL, MOVES, PIXELS, SIDE, STEPS
from ..timing import print_rate
from . import torch_python, work

CONFIG = work.CONFIG
ACTIONS, CELLS, ROWS = len(MOVES), (PIXELS // CELL) ** 2, PIXELS // CELL
HIDDEN, COUNTS = CONFIG.hidden, CONFIG.counts
# The convolution and the dense layer of vision; the NAC's two matrices; the LSTM's weights for features, and for
# T, h and the counts, and its bias; policy and value.
SHAPES = (
    (3 * CELL**2, CONFIG.channels),
    (CONFIG.channels,),
    (CELLS * CONFIG.channels, CONFIG.features),
    (CONFIG.features,),
    (1 + HIDDEN, COUNTS),
    (1 + HIDDEN, COUNTS),
    (CONFIG.features, 4 * HIDDEN),
    (1 + HIDDEN + COUNTS, 4 * HIDDEN),
    (4 * HIDDEN,),
    (HIDDEN, ACTIONS + 1),
    (ACTIONS + 1,),
)
SIZES = [torch.Size(shape).numel() for shape in SHAPES]


def patches():
    """Returns the cells of all pictures, [625, 49, 192]."""
    cells = torch.from_numpy(world.pictures()).float().view(-1, ROWS, CELL, ROWS, CELL, 3) / 255
    return cells.transpose(2, 3).reshape(-1, CELLS, 3 * CELL**2)


def moves():
    """Returns the place after each move [625 * 5], at place * 5 + move."""
    agent, target, steps = torch.arange(SIDE**2), torch.arange(SIDE**2), torch.from_numpy(STEPS)
    row, column = agent[:, None] // SIDE + steps[:, 0], agent[:, None] % SIDE + steps[:, 1]
    agent = row.clamp(0, SIDE - 1) * SIDE + column.clamp(0, SIDE - 1)
    return (agent[:, None] * SIDE**2 + target[:, None]).flatten()


def judged(places, told):
    """Returns rewards and `running` [T, B] of episodes that came to places [T, B], told T [B]."""
    arrived = (places // SIDE**2 == places % SIDE**2).float()
    running = torch.cat([torch.ones_like(arrived[:1]), (1 - arrived[:-1]).cumprod(0)])
    time = torch.arange(1, len(places) + 1).unsqueeze(1)
    return running * arrived * (1 - CONFIG.fall_off * (told - time).abs()), running


def init():
    """Returns weights [P]."""
    flat = torch.cat(
        [
            torch.empty(size).uniform_(-(shape[0] ** -0.5), shape[0] ** -0.5)
            for shape, size in zip(SHAPES, SIZES, strict=True)
        ]
    )
    for part, shape in zip(split(flat), SHAPES, strict=True):
        part.mul_(len(shape) > 1)  # biases start at 0
    return flat


def split(flat):
    """Returns the parts of weights [P] as views."""
    return [part.view(shape) for part, shape in zip(flat.split(SIZES), SHAPES, strict=True)]


def look(patches, w_convolution, b_convolution, w_dense, b_dense, w_seen, b_gates):
    """Returns what each picture adds to the LSTM's gates, [625, 4 H]."""
    seen = torch.addmm(b_convolution, patches.flatten(0, 1), w_convolution).relu()
    return torch.addmm(b_gates, torch.addmm(b_dense, seen.view(len(patches), -1), w_dense).relu(), w_seen)


def step(seen, told, noise, c, h, count, w_nac, w_gates, w_heads, b_heads):
    """Returns c, h and the count after a step, and the action: the largest logit less its `noise` [B, A].

    `seen` [B, 4 H] is what the picture adds to the LSTM's gates; `told` [B, 1] is T at first, then 0.
    """
    state = torch.cat([told, h], 1)
    count = torch.addmm(count, state, w_nac)
    gates = torch.addmm(seen, torch.cat([state, count], 1), w_gates)
    i, f, g, o = gates.chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    logits = torch.addmm(b_heads.detach(), h.detach(), w_heads.detach())[:, :ACTIONS]
    return c, h, count, (logits - noise).argmax(1)


class Program:
    """The loss of an update; `compiled`: with its parts passed through torch.compile."""

    def __init__(self, *, compiled=False):
        self.patches, self.moves = patches(), moves()
        parts = (look, step, torch_python.loss)
        self.look, self.step, self.loss = (torch.compile(part, dynamic=False) if compiled else part for part in parts)

    def __call__(self, flat, place, told, noise):
        """Returns the loss of episodes from places [B], told T [B], where weights [P] choose by `noise` [T, B, A].

        An action whose noise is far below the others' is taken for certain.
        """
        w_convolution, b_convolution, w_dense, b_dense, w_hat, m_hat, w_seen, w_gates, b_gates, w_heads, b_heads = (
            split(flat)
        )
        looks = self.look(self.patches, w_convolution, b_convolution, w_dense, b_dense, w_seen, b_gates)
        weights = w_hat.tanh() * m_hat.sigmoid(), w_gates, w_heads, b_heads
        c = h = torch.zeros(len(place), HIDDEN)
        count = torch.zeros(len(place), COUNTS)
        now, silence = told.float().unsqueeze(1), torch.zeros(len(place), 1)
        hidden, actions, places = [], [], []
        for each in noise:
            c, h, count, action = self.step(functional.embedding(place, looks), now, each, c, h, count, *weights)
            place, now = self.moves[place * ACTIONS + action], silence
            hidden.append(h)
            actions.append(action)
            places.append(place)
        heads = torch.stack(hidden) @ w_heads + b_heads
        rewards, running = judged(torch.stack(places), told)
        return self.loss(heads[..., :ACTIONS], heads[..., ACTIONS], torch.stack(actions), rewards, running)


def started(episodes):
    """Returns random places [B] and T [B]."""
    agent = torch.randint(SIDE**2, (episodes,))
    target = (agent + torch.randint(1, SIDE**2, (episodes,))) % SIDE**2
    low, high = CONFIG.instructed
    return agent * SIDE**2 + target, torch.randint(low, high + 1, (episodes,))


def noise(steps, episodes):
    """Returns noise [T, B, A] with which the largest logit less its noise is a draw from the policy (Gumbel)."""
    return torch.empty(steps, episodes, ACTIONS).exponential_().log()


def runner(*, compiled=False, updates=5):
    """Returns the function that takes some updates of the batched program."""
    program, flat = Program(compiled=compiled), init().requires_grad_()

    def loss():
        return program(flat, *started(CONFIG.episodes), noise(CONFIG.limit, CONFIG.episodes))

    return torch_python.taking(updates, loss, [flat], fused=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    print_rate(runner(compiled="compiled" in sys.argv))
