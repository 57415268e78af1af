"""The `work` in PyTorch, eight networks at once: torch.func.vmap over their parameters.

torch.compile made it no faster.
"""

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional

from ..timing import print_rate
from . import work
from .torch_loop import Net, normalised

NET = Net().to("meta")  # the structure; the parameters are given to every call


def loss(params, images, labels):
    return functional.cross_entropy(functional_call(NET, params, (normalised(images),)), labels)


# (parameters by name, each [S, ...]; images [S, B, 28, 28]; labels [S, B]) -> gradients like parameters, losses [S]
gradients_and_losses = vmap(grad_and_value(loss))


def runner(seeds=work.SEEDS, steps=work.STEPS):
    """Returns the function that takes some steps with all networks and returns how many images that were."""
    images, labels = map(torch.from_numpy, work.data())
    params, _ = stack_module_state([Net() for _ in range(seeds)])
    optimiser = torch.optim.Adam(params.values(), lr=work.LEARNING_RATE, fused=True)

    def run():
        for _ in range(steps):
            chosen = torch.randint(len(labels), (seeds, work.BATCH))
            gradients, _ = gradients_and_losses(params, images[chosen], labels[chosen])
            for name, param in params.items():
                param.grad = gradients[name]
            optimiser.step()
        return seeds * steps * work.BATCH

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    print_rate(runner())
