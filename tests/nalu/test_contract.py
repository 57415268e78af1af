"""One contract over every member of `nalu.CELLS`; a new cell is tested by its line there.

Axes: B batch, I inputs, O outputs, T time, S seeds.
"""

import functools
import itertools

import flax.linen as nn
import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import nalu

OPERATIONS = {
    "a": lambda a, b: a,
    "-a": lambda a, b: -a,
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "1 / a": lambda a, b: 1 / a,
    "sqrt(a)": lambda a, b: np.sqrt(a),
    "a^2": lambda a, b: a**2,
}
# Values of each parameter at which a cell can be exact; all combinations are tried.
VERTICES = {
    "w_re_npu": (-1, 0, 0.5, 1, 2),
    "w_im_npu": (0,),
    "g_npu": (0, 1),
    "w_modified_npu": (-1, 0, 0.5, 1),
    "g_modified_npu": (0, 1),
    "r_mc_fc": (0,),
    "c_mc_fc": (0,),
    "m_hat_add": (40,),  # one value is enough where another parameter does the rest
}
FORMS = {"recurrent": nalu.Recurrent, "accumulator": nalu.Accumulator}

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
every_cell = pytest.mark.parametrize("name", nalu.CELLS)
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def create(name, *, features=3, inputs=4):
    """Returns a cell and parameters, drawn without compiling its start."""
    cell = nalu.CELLS[name](features)
    rng = np.random.default_rng(0)
    shapes = {key: shape for key, (_, shape) in cell.starts(inputs).items()}
    drawn = {key: rng.uniform(0.1, 0.9, shape).astype(np.float32) for key, shape in shapes.items()}
    return cell, {"params": drawn}


def inputs(*shape):
    return jnp.asarray(np.random.default_rng(1).standard_normal(shape, np.float32))


@every_cell
def test_it_maps_the_last_axis_to_its_features(name):
    cell, variables = create(name)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(
        jnp.shape, jax.eval_shape(cell.init, jax.random.key(0), jnp.ones(4))
    )
    for batch in ((), (2, 5), (0,)):
        y = jax.eval_shape(cell.apply, variables, jnp.ones((*batch, 4)))
        assert (y.shape, y.dtype) == ((*batch, 3), jnp.float32)


@every_cell
def test_jit_remat_vmap_and_export_equal_a_plain_call(name):
    cell, variables = create(name)
    x = inputs(5, 4)
    expected = cell.apply(variables, x)

    @jax.jit
    def run(variables, x):
        side_by_side = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), variables)
        return (
            cell.apply(variables, x),
            nn.remat(nalu.CELLS[name])(3).apply(variables, x),
            jax.vmap(cell.apply, in_axes=(None, 0))(variables, x),
            jax.vmap(cell.apply, in_axes=(0, None))(side_by_side, x)[1],
            cell.apply(variables, x[3])[None],
        )

    *all_items, alone = export.export(run)(variables, x).call(variables, x)
    for actual in all_items:
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(alone[0], expected[3], rtol=1e-5, atol=1e-6)


@every_cell
def test_seeds_start_side_by_side(name):
    cell, keys_S = nalu.CELLS[name](3), jax.random.split(jax.random.key(2), 5)
    one = jax.eval_shape(cell.init, keys_S[0], jnp.ones(4))
    many = jax.eval_shape(jax.vmap(cell.init, in_axes=(0, None)), keys_S, jnp.ones(4))
    assert jax.tree.map(jnp.shape, many) == jax.tree.map(lambda leaf: (5, *leaf.shape), one)


@pytest.mark.parametrize(
    ("name", "training"),
    [(name, training) for name, cell in nalu.CELLS.items() for training in {False, cell.trained_otherwise}],
)
def test_values_and_gradients_are_finite(name, training):
    """Of ten inputs of each size, as it starts and with everything twenty times as large."""
    cell = nalu.CELLS[name](3)
    rngs = {"noise": jax.random.key(0)} if training else {}

    @functools.partial(jax.grad, argnums=(0, 1), has_aux=True)
    def slopes(variables, x):
        y = cell.apply(variables, x, rngs=rngs)
        return y.sum(), y

    start = cell.init(jax.random.key(0), jnp.ones(10))
    scaled = jax.tree.map(lambda leaf: jnp.stack([leaf, 20 * leaf]), start)
    x = jnp.array([0.0, -0.0, 1e-30, -1.0, -1e4, 1e4, 1e15, -1e15])[:, None] * jnp.ones((1, 10))
    run = jax.jit(jax.vmap(jax.vmap(slopes, in_axes=(None, 0)), in_axes=(0, None)))
    for leaf in jax.tree.leaves(run(scaled, x)):
        assert np.isfinite(leaf).all()


@every_cell
def test_a_step_with_penalty_and_projection_compiles_once(name):
    cell, variables = create(name)
    traces = []

    @jax.jit
    def step(variables, x, key, count):
        traces.append(None)

        def loss(variables):
            error = jnp.square(cell.apply(variables, x, rngs={"noise": key}) - 1).mean()
            return error + cell.published.regulariser(variables, count, error)

        gradient = jax.grad(loss)(variables)
        return nalu.project(jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope, variables, gradient))

    for seed in range(3):
        variables = step(variables, jax.random.normal(jax.random.key(seed), (5, 4)), jax.random.key(seed), seed * 20000)
    assert len(traces) == 1
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(variables))


@every_cell
def test_what_it_is_said_to_be_exact_at_is_what_saturated_parameters_reach(name):
    """All combinations of saturated parameters, on inputs far outside any training range."""
    cell, variables = create(name, features=1, inputs=2)
    params = variables["params"]
    values = {key: VERTICES.get(key, (-40.0, 0.0, 40.0)) for key in params}
    each = [values[key] for key, leaf in params.items() for _ in range(leaf.size)]
    combinations = np.array(list(itertools.product(*each)), np.float32)
    pieces = np.split(combinations, np.cumsum([leaf.size for leaf in params.values()])[:-1], axis=1)
    many = {key: piece.reshape(-1, *leaf.shape) for (key, leaf), piece in zip(params.items(), pieces, strict=True)}
    positive = np.array([[3.0, 5.0], [0.5, 40.0], [700.0, 11.0], [1e4, 3e3]], np.float32)
    signed = np.array([[-3.0, 5.0], [0.5, -40.0], [-700.0, -11.0], [1e4, 3e3]], np.float32)
    y = jax.jit(jax.vmap(cell.apply, in_axes=({"params": 0}, None)))(
        {"params": many}, np.concatenate([positive, signed])
    )
    assert reached(y[:, :4, 0], positive) == set(cell.facts.exact)
    assert reached(y[..., 0], np.concatenate([positive, signed])) == set(cell.facts.exact_signed)


def reached(y, x):
    with np.errstate(invalid="ignore"):
        expected = {operation: function(*np.float64(x).T) for operation, function in OPERATIONS.items()}
    return {name for name, each in expected.items() if np.isclose(y, each, rtol=1e-5, atol=0).all(axis=1).any()}


@every_cell
def test_flax_scans_it_over_time_and_sequences_may_end_early(name):
    _, variables = create(name, features=2, inputs=5)
    x_BTI = inputs(2, 4, 3)
    scan = nn.RNN(nalu.Recurrent(nalu.CELLS[name](2)), return_carry=True)

    @jax.jit
    @functools.partial(jax.grad, has_aux=True)
    def run(variables):
        last, hs = scan.apply(variables, x_BTI, initial_carry=jnp.ones((2, 2)), seq_lengths=jnp.array([2, 4]))
        return jnp.square(last).mean(), (last, hs)

    gradient, (last, hs) = run({"params": {"cell": {"cell": variables["params"]}}})
    assert all(np.isfinite(leaf).all() and (leaf != 0).any() for leaf in jax.tree.leaves(gradient))
    assert hs.shape == (2, 4, 2)
    np.testing.assert_array_equal(last, [hs[0, 1], hs[1, 3]])


@every_cell
def test_accumulated_it_is_an_increment(name):
    cell, variables = create(name)
    x, h = inputs(5, 4), jnp.full((5, 3), 7.0)
    after, y = nalu.Accumulator(cell).apply({"params": {"cell": variables["params"]}}, h, x)
    np.testing.assert_allclose(after, 7 + cell.apply(variables, x), rtol=1e-6)
    np.testing.assert_array_equal(y, after)


@every_form
def test_a_sequence_starts_at_zero(form):
    carry = form(nalu.NAC(2)).initialize_carry(jax.random.key(0), (7, 3))
    np.testing.assert_array_equal(carry, np.zeros((7, 2)))


@every_cell
def test_a_scan_over_layers_stacks_its_parameters_and_all_rules_hold_for_the_stack(name):
    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            return nalu.CELLS[name](3, name="cell")(x), None

    cell, single = create(name, inputs=3)
    singles = [single, jax.tree.map(lambda leaf: 0.5 * leaf, single)]
    stack = {"params": {"cell": jax.tree.map(lambda *leaves: np.stack(leaves), *(each["params"] for each in singles))}}

    @jax.jit
    def run(stack, singles, x):
        layers = nn.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=2)()
        scanned, alone = layers.apply(stack, x, None)[0], x
        for each in singles:
            alone = cell.apply(each, alone)
        far = jax.tree.map(lambda leaf: 9 * leaf, (stack, singles))
        once = nalu.project(far)
        rules = [(rule(stack), sum(map(rule, singles))) for rule in (nalu.penalty, nalu.l1)]
        return (scanned, alone), rules, once, nalu.project(once)

    (scanned, alone), rules, (together, each), again = run(stack, singles, inputs(3))
    np.testing.assert_allclose(scanned, alone, rtol=1e-5, atol=1e-6)
    for of_stack, of_singles in rules:
        np.testing.assert_allclose(of_stack, of_singles, rtol=1e-5)
    for key, leaf in together["params"]["cell"].items():
        np.testing.assert_array_equal(leaf, [one["params"][key] for one in each])
    jax.tree.map(np.testing.assert_array_equal, again, (together, each))


@every_cell
def test_the_penalty_is_least_where_the_cell_is_exact(name):
    """Every rule's penalty falls to its least value at the parameters that `VERTICES` holds."""
    for key, rule in nalu.CELLS[name].rules.items():
        if rule.penalty is not None and key not in ("r_mc_fc", "w_mc_fc", "b_mc_fc"):  # these have no least
            ends = {"w_modified_npu": (-1, 1)}.get(key, rule.bounds or (-20, 20))
            assert rule.penalty(jnp.array(ends, float)).max() == 0
            assert (rule.penalty(jnp.array([0.3, 0.7])) > 0).all()


@every_cell
def test_serialised_parameters_come_back(name):
    _, variables = create(name)
    blank = jax.tree.map(jnp.zeros_like, variables)
    back = flax.serialization.from_bytes(blank, flax.serialization.to_bytes(variables))
    jax.tree.map(np.testing.assert_array_equal, back, variables)


@every_cell
def test_partitioning_metadata_reaches_its_parameters(name):
    plain, _ = create(name)
    first = next(iter(plain.starts(4)))
    field = next(key for key in vars(plain) if key.endswith("_init"))
    boxed = plain.copy(**{field: nn.with_partitioning(getattr(plain, field), (None, "model"))})
    variables = jax.eval_shape(boxed.init, jax.random.key(0), inputs(4))
    box = variables["params"][first]
    assert isinstance(box, nn.Partitioned)
    assert box.names == (None, "model")
    boxes = {"params": {first: box.replace_boxed(jnp.full(box.value.shape, 9.0))}}
    bare = {"params": {first: jnp.full(box.value.shape, 9.0)}}
    np.testing.assert_array_equal(nalu.project(boxes)["params"][first].value, nalu.project(bare)["params"][first])
    np.testing.assert_array_equal(nalu.penalty(boxes), nalu.penalty(bare))


@every_cell
def test_the_type_of_the_result_is_that_of_flax_s_dense(name):
    for dtype, param_dtype, of_x in itertools.product(
        (None, "bfloat16"), ("float32", "bfloat16"), ("float16", "float32")
    ):
        types = {"dtype": dtype, "param_dtype": jnp.dtype(param_dtype)}
        x = jnp.ones((5, 4), of_x)
        expected = jax.eval_shape(nn.Dense(3, **types).init_with_output, jax.random.key(0), x)
        y, made = jax.eval_shape(nalu.CELLS[name](3, **types).init_with_output, jax.random.key(0), x)
        assert y.dtype == expected[0].dtype
        assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype(param_dtype)}


@every_cell
def test_lists_integers_and_halves_compute_what_float32_does(name):
    cell, variables = create(name, features=1, inputs=2)

    @jax.jit
    def run():
        same = [
            cell.apply(variables, x)
            for x in ([[3, 5]], [[3.0, 5.0]], np.array([[3, 5]], np.int8), jnp.array([[3, 5]], jnp.float16))
        ]
        least = cell.apply(variables, jnp.array([[-(2**31), 0]], jnp.int32))
        half = cell.copy(dtype=jnp.float16).apply(variables, [[3, 5]])
        x = jnp.array([[0, 0], [1e-7, -1e-3]], jnp.float16)
        return same, least, half, jax.grad(lambda x: cell.copy(dtype=jnp.float16).apply(variables, x)[:, 0].sum())(x)

    (first, *others), least, half, slopes = run()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-6)
    np.testing.assert_array_equal(half, first.astype(jnp.float16))
    assert np.isfinite(least).all()
    assert np.isfinite(slopes).all()


@every_cell
def test_under_x64_parameters_stay_float32_and_float64_is_had_by_asking(name):
    with jax.enable_x64(True):
        x, cell = jnp.ones((5, 4), jnp.float32), nalu.CELLS[name]
        same = jax.eval_shape(cell(3).init_with_output, jax.random.key(0), x)
        assert {leaf.dtype for leaf in jax.tree.leaves(same)} == {jnp.dtype("float32")}
        double = cell(3, dtype=jnp.float64, param_dtype=jnp.float64)
        made = jax.eval_shape(double.init_with_output, jax.random.key(0), x)
        assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype("float64")}


@every_cell
@every_form
def test_the_state_has_the_type_of_the_cell(name, form):
    for cell, expected in (
        (nalu.CELLS[name](2), "float32"),
        (nalu.CELLS[name](2, dtype=jnp.bfloat16), "bfloat16"),
        (nalu.CELLS[name](2, param_dtype=jnp.float16), "float16"),
    ):
        hs, _ = jax.eval_shape(nn.RNN(form(cell)).init_with_output, jax.random.key(0), jnp.ones((1, 3, 2), "float32"))
        assert hs.dtype == expected


@every_cell
def test_it_can_be_read_and_is_a_formula_once_it_is_snapped(name):
    cell, variables = create(name, features=1, inputs=3)
    exact = nalu.snap(cell, variables)
    assert jax.tree.map(jnp.shape, exact) == jax.tree.map(jnp.shape, variables)
    formula = nalu.read(cell, exact)
    assert formula.distance == 0
    assert formula.text.startswith("y = ")


@every_cell
def test_a_single_number_or_complex_ones_are_refused_in_a_sentence(name):
    cell, variables = create(name)
    with pytest.raises(ValueError, match="x is a single number"):
        cell.init(jax.random.key(0), 3.0)
    with pytest.raises(TypeError, match="complex64 is none"):
        cell.apply(variables, jnp.ones(4, jnp.complex64))


@every_cell
def test_its_facts_and_its_published_training_are_whole(name):
    cell = nalu.CELLS[name]
    assert all(cell.facts._replace(exact=(1,), exact_signed=(1,)))
    assert {*cell.facts.exact_signed} <= {*cell.facts.exact} <= {*OPERATIONS}
    recipe = cell.published
    assert recipe.optimiser in ("adam", "rmsprop")
    assert recipe.source.count("arXiv")
    assert bool(recipe.penalty) == any(rule.penalty is not None for rule in cell.rules.values())
    assert bool(recipe.l1[1]) == any(rule.l1 for rule in cell.rules.values())


def test_all_public_names_exist_once():
    assert len(set(nalu.__all__)) == len(nalu.__all__)
    assert all(getattr(nalu, name) is not None for name in nalu.__all__)
