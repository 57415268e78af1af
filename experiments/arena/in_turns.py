"""iNALU's own training: weights and gates in turn, two further steps for the penalty, and starts anew where it stalls.

Of every ten batches eight train the weights and two the gates, by RMSProp on gradients whose elements are clipped.
From the twelfth epoch on, and while the loss is below 1, the penalty takes a step of its own after each batch. In every
tenth epoch a network whose loss no longer falls is drawn anew.

Source: Schlör, Ring and Hotho 2020, "iNALU: Improved Neural Arithmetic Logic Unit", arXiv 2003.07629, and their code.

Axes: L lanes, K blocks of steps, I inputs, N items.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import nalu

from .networks import Network
from .tasks import Task
from .training import Trained, fine_uniform, started

BLOCK = 50  # steps after which losses are added up and looked at; the authors look after every step
TURN, OF_WEIGHTS = 10, 8  # batches of a turn, and how many of them train the weights
QUIET = 11  # epochs without the penalty, in the published code
DECADE = 10  # epochs: in every tenth a network that stalls is drawn anew
FEWEST = 10_000  # losses to judge by
ANEW = 2.0  # from U[-2, 2]
FAR_FROM_SATURATION = 20.0  # parameters are drawn to where tanh and sigmoid are saturated


class Memory(NamedTuple):
    """What the training of a lane remembers besides its parameters; every leaf leads with L.

    Attributes:
      squares: RMSProp's mean of squared gradients, one for each parameter.
      sums, sums_of_squares: `[L, K]`, of the losses of each block.
      since: the block since which losses count: the last start.
      restarts: how often the network was drawn anew.
    """

    squares: Any
    sums: jax.Array
    sums_of_squares: jax.Array
    since: jax.Array
    restarts: jax.Array


Advance = Callable[[Trained, int], Trained]


def steps_of(
    network: Network,
    task: Task,
    recipe: nalu.Recipe,
    batch: int,
    *,
    epoch: int,
    steps: int,
    learning_rate_L: np.ndarray,
    start_L: np.ndarray,
    range_L: np.ndarray | None = None,
    quiet: float = QUIET,
) -> tuple[Callable[[jax.Array], Trained], Advance]:
    """Returns (key -> networks before training, (networks, steps) -> networks after so many steps).

    Args:
      recipe: the bound of a gradient's elements, the penalty's strength and the loss below which it counts; its
        learning rate is not looked at.
      epoch: the batches that are drawn once and come again in the same order.
      steps: of the whole training.
      learning_rate_L, start_L, range_L: see `training.make_train`; what is drawn anew is not multiplied.
      quiet: epochs without the penalty.
    """
    decade, lanes = DECADE * epoch, len(learning_rate_L)
    rates_L = jnp.asarray(learning_rate_L, jnp.float32)

    def start(key: jax.Array) -> Trained:
        key_data, key_start = jax.random.split(key)
        params_L = started(network, key_start, start_L, range_L)
        blocks_LK, none_L = jnp.zeros((lanes, steps // BLOCK)), jnp.zeros(lanes, jnp.int32)
        memory = Memory(jax.tree.map(jnp.ones_like, params_L), blocks_LK, blocks_LK, none_L, none_L)
        return Trained(params_L, memory, key_data, jnp.int32(0))

    def of_lane(
        params: Any, squares: Any, rate: jax.Array, lane: Any, u_IN: jax.Array, step: jax.Array
    ) -> tuple[Any, Any, jax.Array]:
        x_IN = task.inside(u_IN, lane)
        y_ON = task.target(x_IN)
        loss, slopes = jax.value_and_grad(lambda params: jnp.mean((network.apply(params, x_IN, None) - y_ON) ** 2))(
            params
        )
        weights_turn = step % TURN < OF_WEIGHTS
        in_turn = jax.tree_util.tree_map_with_path(lambda path, _: weights_turn != _is_gate(path), params)
        params, squares = _rms_step(params, squares, slopes, in_turn, rate, recipe.clip_value)
        penalised = (step >= round(quiet * epoch)) & (loss < recipe.penalty_below)
        slopes = jax.tree.map(lambda leaf: recipe.penalty * _slope_to_saturation(leaf), params)
        taken = jax.tree.map(lambda _: penalised, params)
        params, squares = _rms_step(params, squares, slopes, taken, rate, recipe.clip_value)
        return params, squares, loss

    over_lanes = jax.vmap(of_lane, in_axes=(0, 0, 0, 0, None, None))

    def take_step(carry: tuple[Any, Any, jax.Array], step: jax.Array, key: jax.Array) -> tuple[Any, Any, jax.Array]:
        params_L, squares_L, losses_2L = carry
        u_IN = fine_uniform(jax.random.fold_in(key, step % epoch), task.inputs, batch)
        params_L, squares_L, loss_L = over_lanes(params_L, squares_L, rates_L, task.lanes, u_IN, step)
        return params_L, squares_L, losses_2L + jnp.stack([loss_L, loss_L**2])

    def take_block(trained: Trained, _: None) -> tuple[Trained, None]:
        memory, first = trained.optimiser, trained.step
        nothing_2L = jnp.zeros((2, lanes))
        params_L, squares_L, (sum_L, sum_of_squares_L) = jax.lax.fori_loop(
            0,
            BLOCK,
            lambda i, carry: take_step(carry, first + i, trained.key),
            (trained.params, memory.squares, nothing_2L),
        )
        block = first // BLOCK
        here_1K = (jnp.arange(steps // BLOCK) == block)[None]
        sums_LK = jnp.where(here_1K, sum_L[:, None], memory.sums)
        sums_of_squares_LK = jnp.where(here_1K, sum_of_squares_L[:, None], memory.sums_of_squares)
        last = first + BLOCK - 1
        tenth_epoch = (last >= decade) & (last % decade < epoch)
        anew_L = tenth_epoch & stalled(sums_LK, sums_of_squares_LK, memory.since, block)
        drawn_L = _drawn(jax.random.fold_in(trained.key, steps + block), params_L)
        params_L = jax.tree.map(
            lambda new, old: jnp.where(anew_L.reshape(-1, *[1] * (new.ndim - 1)), new, old), drawn_L, params_L
        )
        memory = Memory(
            squares_L,
            sums_LK,
            sums_of_squares_LK,
            jnp.where(anew_L, block + 1, memory.since),
            memory.restarts + anew_L,
        )
        return Trained(params_L, memory, trained.key, first + BLOCK), None

    def advance(trained: Trained, number: int) -> Trained:
        trained, _ = jax.lax.scan(take_block, trained, length=number // BLOCK)
        return trained

    return start, advance


def stalled(sums_LK: jax.Array, sums_of_squares_LK: jax.Array, since_L: jax.Array, block: jax.Array) -> jax.Array:
    """Says of every lane whether its losses no longer fall: `[L]`.

    There are more than ten thousand since its start, the mean of their later half is above 1, and that of the earlier
    half is no higher than this mean and the deviation within the later half together.
    """
    number_1K, number_L = jnp.arange(sums_LK.shape[1])[None], block + 1 - since_L
    middle_L = since_L + number_L // 2
    early_LK = (number_1K >= since_L[:, None]) & (number_1K < middle_L[:, None])
    late_LK = (number_1K >= middle_L[:, None]) & (number_1K <= block)

    def mean(values_LK: jax.Array, chosen_LK: jax.Array) -> jax.Array:
        return jnp.where(chosen_LK, values_LK, 0).sum(axis=1) / (BLOCK * jnp.maximum(chosen_LK.sum(axis=1), 1))

    early_L, late_L = mean(sums_LK, early_LK), mean(sums_LK, late_LK)
    square_L = mean(sums_of_squares_LK, late_LK)
    deviation_L = jnp.where(jnp.isinf(square_L), jnp.inf, jnp.sqrt(jnp.maximum(square_L - late_L**2, 0)))
    return (number_L * BLOCK > FEWEST) & (early_L <= late_L + deviation_L) & (late_L > 1)


def _rms_step(params: Any, squares: Any, slopes: Any, taken: Any, rate: jax.Array, most: float) -> tuple[Any, Any]:
    """Takes a step of RMSProp where it is to be taken, as TensorFlow's first version does."""
    slopes = jax.tree.map(lambda slope: jnp.clip(slope, -most, most), slopes)
    squares = jax.tree.map(
        lambda old, slope, now: jnp.where(now, 0.9 * old + 0.1 * slope**2, old), squares, slopes, taken
    )
    params = jax.tree.map(
        lambda leaf, slope, mean, now: jnp.where(now, leaf - rate * slope * jax.lax.rsqrt(mean + 1e-10), leaf),
        params,
        slopes,
        squares,
        taken,
    )
    return params, squares


def _slope_to_saturation(leaf: jax.Array) -> jax.Array:
    """Returns the gradient of mean(max(20 - |p|, 0)) over the entries of a parameter."""
    return jnp.where(jnp.abs(leaf) < FAR_FROM_SATURATION, -jnp.sign(leaf), 0) / leaf.size


def _is_gate(path: Any) -> bool:
    return str(path[-1].key).startswith("g")


def _drawn(key: jax.Array, params_L: Any) -> Any:
    leaves, structure = jax.tree.flatten(params_L)
    keys = jax.random.split(key, len(leaves))
    drawn = [
        jax.random.uniform(key, leaf.shape, minval=-ANEW, maxval=ANEW) for key, leaf in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, drawn)
