"""The work of `convnet_step_work` in PyTorch, eight networks at once: torch.func.vmap over their parameters.

torch.compile made it no faster.
"""

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional

from . import convnet_step_work
from .convnet_step_torch import Net, normalised
from .timing import tell_rate

NET = Net().to("meta")  # the structure; the parameters are given to every call


def loss(params, images, labels):
    return functional.cross_entropy(functional_call(NET, params, (normalised(images),)), labels)


# (parameters by name, each [S, ...]; images [S, B, 28, 28]; labels [S, B]) -> gradients like parameters, losses [S]
gradients_and_losses = vmap(grad_and_value(loss))


def runner(seeds=convnet_step_work.SEEDS, steps=convnet_step_work.STEPS):
    """Returns the function that takes some steps with all networks and returns how many images that were."""
    images, labels = map(torch.from_numpy, convnet_step_work.data())
    params, _ = stack_module_state([Net() for _ in range(seeds)])
    optimiser = torch.optim.Adam(params.values(), lr=convnet_step_work.LEARNING_RATE, fused=True)

    def run():
        for _ in range(steps):
            chosen = torch.randint(len(labels), (seeds, convnet_step_work.BATCH))
            gradients, _ = gradients_and_losses(params, images[chosen], labels[chosen])
            for name, param in params.items():
                param.grad = gradients[name]
            optimiser.step()
        return seeds * steps * convnet_step_work.BATCH

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(7000)
    tell_rate(runner())
