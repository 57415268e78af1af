"""A cell of the library between units and an affine output, trained from several starts side by side.

    y = b + sum of c h over the terms of a target,   h = cell(x / unit)

The inputs are scaled and not shifted, so that zero stays zero and ratios stay ratios; the output has a scale and an
offset because a cell's weights in [-1, 1] carry no unit. A lane is one training: on some of the rows, from one start,
at one learning rate. All lanes are one compiled program, which serves every table of a similar size: rows and inputs
are padded, and those that pad are drawn and learnt by no lane.

Axes: R rows, I inputs, T targets, K terms, L lanes, B batch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import nalu
from nalu.sklearn.rows import Rows, unit

FEWEST_ROWS, FEWEST_INPUTS = 256, 8  # what smaller tables are padded to
EVALUATIONS = 20  # at most; the best by validation is kept
SMALLEST = 1e-2  # in the column's unit: what is smaller counts as this much where it is multiplied
SETTINGS: dict[str, dict[str, Any]] = {"nalu": {"eps": SMALLEST, "clip": 20.0}}
FLOORED = ("npu", "real_npu")  # whose own smallest factor is 1e-7, which no power of it survives
TERMS = {"nac": 1, "nalu": 1}
USUAL_TERMS = 8


class Recipe(NamedTuple):
    """How the lanes of a table are trained; all of it is compiled in."""

    cell: str
    terms: int
    targets: int
    steps: int
    batch: int
    patience: int


class Lane(NamedTuple):
    """One training: on the rows `trained`, chosen by the rows `validated`."""

    trained: np.ndarray
    validated: np.ndarray
    start: int
    learning_rate: float


class Trained(NamedTuple):
    """The networks that were chosen, one a start: parameters led by the axis of the starts."""

    cell: str
    terms: int
    unit_I: np.ndarray
    unit_T: np.ndarray
    params: dict[str, Any]
    validation_error: np.ndarray

    def each(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns what each start predicts, `[starts, R, T]`, in float64."""
        rows, inputs = x_RI.shape
        padded_RI = np.zeros((_round_up(rows, FEWEST_ROWS), _round_up(inputs, FEWEST_INPUTS)))
        padded_RI[:rows, :inputs] = x_RI / self.unit_I
        with jax.enable_x64(True):
            params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), self.params)
            y_SRT = np.asarray(_evaluate(params, jnp.asarray(padded_RI), self.cell, self.terms, len(self.unit_T)))
        return y_SRT[:, :rows] * self.unit_T

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns the mean over the starts, `[R, T]`."""
        return self.each(x_RI).mean(axis=0)


def fit(
    rows: Rows,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    starts: Sequence[int],
    *,
    cell: str,
    terms: int | None,
    learning_rates: Sequence[float],
    steps: int,
    batch: int,
    patience: int,
    validation_fraction: float,
    seed: int,
) -> list[Trained]:
    """Trains a cell on several parts of the rows in one program.

    Args:
      parts: which rows each part has, and their targets in it, `[rows of the part, T]`.
      starts: how many starts each part has; each start has a validation share of its own.

    Returns:
      For each part the networks that validation chose: for each start that of the best learning rate.
    """
    count, inputs = rows.x_RI.shape
    targets = rows.y_RT.shape[1]
    unit_I, unit_T = unit(rows.x_RI, rows.weight_R), unit(rows.y_RT, rows.weight_R)
    mean_T = np.average(rows.y_RT, axis=0, weights=rows.weight_R)
    deviation_T = np.sqrt(np.average((rows.y_RT - mean_T) ** 2, axis=0, weights=rows.weight_R))
    deviation_T = np.where(deviation_T > 0, deviation_T, unit_T)
    size, width = _round_up(count, FEWEST_ROWS), _round_up(inputs, FEWEST_INPUTS)
    x_RI, weight_R = np.zeros((size, width)), np.zeros(size)
    x_RI[:count, :inputs], weight_R[:count] = rows.x_RI / unit_I, rows.weight_R

    lanes, places = [], []
    for number, ((part, _), its_starts) in enumerate(zip(parts, starts, strict=True)):
        for start in range(its_starts):
            shuffled = np.random.default_rng((seed, number, start)).permutation(part)
            held = round(validation_fraction * len(part))
            held = held if held >= 2 and len(part) - held >= 2 else 0  # too few rows to hold any back
            for learning_rate in learning_rates:
                validated = shuffled[:held] if held else shuffled
                lanes.append(Lane(shuffled[held:], validated, start, learning_rate))
                places.append((number, start))
    order_LR, held_LR = np.zeros((len(lanes), size), np.int32), np.zeros((len(lanes), size))
    y_LRT = np.zeros((len(lanes), size, targets))
    for i, (lane, (number, _)) in enumerate(zip(lanes, places, strict=True)):
        part, y_RT = parts[number]
        y_LRT[i, part] = y_RT / unit_T
        order_LR[i, : len(lane.trained)] = lane.trained
        held_LR[i, lane.validated] = weight_R[lane.validated]
    params, error_L = _train(
        *(jnp.asarray(array, jnp.float32) for array in (x_RI, y_LRT, weight_R, unit_T / deviation_T)),
        jnp.asarray(np.arange(width) < inputs),
        jnp.asarray(order_LR),
        jnp.asarray([len(lane.trained) for lane in lanes], jnp.int32),
        jnp.asarray(held_LR, jnp.float32),
        jnp.asarray([lane.learning_rate for lane in lanes], jnp.float32),
        jnp.asarray([(seed + 7919 * lane.start) % 2**31 for lane in lanes], jnp.int32),
        recipe=Recipe(cell, terms or TERMS.get(cell, USUAL_TERMS), targets, steps, batch, patience),
    )
    params, error_L = jax.tree.map(np.asarray, params), np.where(np.isfinite(error_L), error_L, np.inf)
    trained = []
    for number, its_starts in enumerate(starts):
        chosen = []
        for start in range(its_starts):
            its_lanes = [i for i, place in enumerate(places) if place == (number, start)]
            chosen.append(its_lanes[int(np.argmin(error_L[its_lanes]))])
        its_params = jax.tree.map(lambda leaf: leaf[chosen], params)  # noqa: B023 - used at once
        trained.append(
            Trained(cell, terms or TERMS.get(cell, USUAL_TERMS), unit_I, unit_T, its_params, error_L[chosen])
        )
    return trained


def _round_up(number: int, fewest: int) -> int:
    """Returns the next power of two, at least `fewest`."""
    return max(fewest, 1 << (number - 1).bit_length())


def _module(cell: str, features: int) -> Any:
    return nalu.CELLS[cell](features=features, **SETTINGS.get(cell, {}))


def _apply(
    params: dict[str, Any], x_BI: jax.Array, cell: str, terms: int, targets: int, key: jax.Array | None = None
) -> jax.Array:
    """Returns y; with a key for what noise the cell is trained with."""
    if cell in FLOORED:
        x_BI = jnp.where(jnp.abs(x_BI) < SMALLEST, jnp.where(x_BI < 0, -SMALLEST, SMALLEST), x_BI)
    rngs = None if key is None else {"noise": key}
    h_BTK = _module(cell, targets * terms).apply(params["cell"], x_BI, rngs=rngs).reshape(len(x_BI), targets, terms)
    return jnp.sum(h_BTK * params["c"][None], axis=2) + params["b"][None]


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _evaluate(params: dict[str, Any], x_RI: jax.Array, cell: str, terms: int, targets: int) -> jax.Array:
    return jax.vmap(lambda params: _apply(params, x_RI, cell, terms, targets))(params)


@functools.partial(jax.jit, static_argnames="recipe")
def _train(
    x_RI: jax.Array,
    y_LRT: jax.Array,
    weight_R: jax.Array,
    scale_T: jax.Array,
    there_I: jax.Array,
    order_LR: jax.Array,
    count_L: jax.Array,
    held_LR: jax.Array,
    rate_L: jax.Array,
    seed_L: jax.Array,
    *,
    recipe: Recipe,
) -> tuple[dict[str, Any], jax.Array]:
    """Returns each lane's best parameters and their mean absolute error in validation, in deviations of the targets."""
    cell, terms, targets, steps, batch, patience = recipe
    transform = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())
    few, more = (_module(cell, targets * terms).starts(inputs) for inputs in (x_RI.shape[1], x_RI.shape[1] + 1))
    of_inputs = {"params": {name: few[name][1][:1] != more[name][1][:1] for name in few}}  # as their first axis
    legs = min(EVALUATIONS, steps)
    leg_steps = steps // legs

    def without_padding(tree: Any) -> Any:
        """A weight of zero takes an input out of every cell, so what pads a table is never learnt."""

        def one(leaf: jax.Array, is_of_inputs: bool) -> jax.Array:
            return leaf * there_I.reshape(-1, *[1] * (leaf.ndim - 1)) if is_of_inputs else leaf

        return {**tree, "cell": jax.tree.map(one, tree["cell"], of_inputs)}

    def init(seed: jax.Array) -> tuple[Any, Any, jax.Array]:
        key, key_cell, key_c = jax.random.split(jax.random.key(seed), 3)
        variables = _module(cell, targets * terms).init(key_cell, jnp.ones((1, x_RI.shape[1])))
        c_TK = jnp.ones((targets, terms)) if terms == 1 else jax.random.normal(key_c, (targets, terms)) / terms**0.5
        params = without_padding({"cell": variables, "c": c_TK, "b": jnp.zeros(targets)})
        return params, transform.init(params), key

    def loss(params: Any, y_RT: jax.Array, rows_B: jax.Array, key: jax.Array) -> jax.Array:
        error_BT = (_apply(params, x_RI[rows_B], cell, terms, targets, key) - y_RT[rows_B]) * scale_T[None]
        return jnp.mean(weight_R[rows_B][:, None] * (jnp.sqrt(1 + error_BT**2) - 1))  # square near 0, then straight

    def leg(
        state: Any, y_RT: jax.Array, order_R: jax.Array, count: jax.Array, rate: jax.Array, first: jax.Array
    ) -> Any:
        def step(i: jax.Array, state: Any) -> Any:
            params, moments, key = state
            key, key_rows, key_noise = jax.random.split(key, 3)
            drawn_B = jnp.floor(jax.random.uniform(key_rows, (batch,)) * count).astype(jnp.int32)
            updates, moments = transform.update(
                jax.grad(loss)(params, y_RT, order_R[drawn_B], key_noise), moments, params
            )
            fall = 0.5 * (1 + jnp.cos(jnp.pi * (first + i) / (leg_steps * legs)))
            updates = without_padding(updates)
            finite = jnp.all(jnp.array([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(updates)]))
            stepped = jax.tree.map(lambda leaf, by: jnp.where(finite, leaf - rate * fall * by, leaf), params, updates)
            return nalu.project(stepped), moments, key

        return jax.lax.fori_loop(0, leg_steps, step, state)

    def validated(params: Any, y_RT: jax.Array, held_R: jax.Array) -> jax.Array:
        error_RT = jnp.abs((_apply(params, x_RI, cell, terms, targets) - y_RT) * scale_T[None])
        return jnp.sum(error_RT.mean(axis=1) * held_R) / jnp.sum(held_R)

    def goes_on(carry: Any) -> jax.Array:
        number, _, _, _, waited = carry
        return (number < legs) & (waited < patience)

    def advance(carry: Any) -> Any:
        number, state_L, best_L, error_L, waited = carry
        state_L = jax.vmap(leg, in_axes=(0, 0, 0, 0, 0, None))(
            state_L, y_LRT, order_LR, count_L, rate_L, number * leg_steps
        )
        now_L = jax.vmap(validated)(state_L[0], y_LRT, held_LR)
        better_L = now_L < error_L

        def keep(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(better_L.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        best_L = jax.tree.map(keep, state_L[0], best_L)
        waited = jnp.where(better_L.any(), 0, waited + 1)
        return number + 1, state_L, best_L, jnp.minimum(error_L, now_L), waited

    start_L = jax.vmap(init)(seed_L)
    error_L = jax.vmap(validated)(start_L[0], y_LRT, held_LR)
    _, _, best_L, error_L, _ = jax.lax.while_loop(goes_on, advance, (0, start_L, start_L[0], error_L, 0))
    return best_L, error_L
