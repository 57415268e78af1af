"""Whatever is typed or written into a profile is taken as it is, or refused in one sentence; nothing is guessed.

Nothing is trained, rendered or measured: what would do that is replaced by a recorder of what it was asked for.
"""

import contextlib
import dataclasses
import io
import json
import math
import os
import re
import tomllib
import typing
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as st

from experiments.benchmarks import measuring
from experiments.benchmarks.scaling import benchmark as scaling
from experiments.lib import config, places, suite
from experiments.lib.cli import commands, main
from experiments.lib.engine import local, machine, processes, ray_cluster, stand_in
from experiments.lib.errors import UserError
from experiments.lib.report import rendering
from experiments.lib.store import records
from experiments.lib.verify import verify
from experiments.tracking_time import tracking_time

MODULES = suite.modules()
FIELDS = [(name, field) for name, module in MODULES.items() for field in dataclasses.fields(module.Config)]
HINTS = {name: typing.get_type_hints(module.Config) for name, module in MODULES.items()}
DEFAULTS = {name: module.Config() for name, module in MODULES.items()}


class Outcome(NamedTuple):
    status: int
    out: str
    wrong: str
    asked: dict[str, Any]  # what the recorders were asked for


class Desk(NamedTuple):
    """A folder in which commands are given, empty but for `profiles`."""

    folder: Path
    asked: dict[str, Any]

    def say(self, *words: str) -> Outcome:
        """Gives a command and sees that it ends as it should, whatever it was."""
        self.asked.clear()
        out, wrong = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
            status = main.answer(list(words))
        outcome = Outcome(status, out.getvalue(), wrong.getvalue(), dict(self.asked))
        assert status in (0, 1, 2)
        if status:
            assert re.fullmatch(r"experiments: [^\n]+[.)]\n", outcome.wrong), outcome.wrong
            assert outcome.wrong[:-1].isprintable()
            assert not self.asked, "what is refused is not begun"
        else:
            assert outcome.wrong == ""
        assert os.listdir(self.folder) == ["profiles"], "nothing is written"
        return outcome

    def profile(self, text: str | bytes) -> str:
        """Writes a profile and returns its path."""
        path = self.folder / "profiles" / "p.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder, asked = tmp_path_factory.mktemp("desk"), {}
    (folder / "profiles").mkdir()

    def record(what: str):
        def recorder(*arguments: Any, **named: Any) -> None:
            asked[what] = (arguments, named)

        return recorder

    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.setattr(places, "PUBLISHED", folder / "published")
        patch.setattr(machine, "prepare", lambda: None)
        patch.setattr(stand_in, "prepare", lambda chosen, *_: chosen)
        patch.setattr(records, "copy", None)
        patch.setattr(processes, "join", lambda: None)
        patch.setattr(ray_cluster, "leave_devices_alone", lambda: None)
        for module in (local, ray_cluster):
            patch.setattr(module, "train_missing", record("train"))
        for module, name in (
            (rendering, "render"),
            (tracking_time, "play"),
            (measuring, "main"),
            (scaling, "main"),
            (verify, "verify"),
        ):
            patch.setattr(module, name, record(name))
        patch.setattr(rendering, "render_if_any", lambda *_, **__: None)
        yield Desk(folder, asked)


def settings_of(outcome: Outcome) -> dict[str, Any]:
    """Returns the configs that were to be trained."""
    (chosen, *_), _ = outcome.asked["train"]
    return {experiment.name: experiment.config for experiment in chosen}


def same(value: Any, expected: Any) -> bool:
    """Says whether two settings are the same, types and signs of zero included."""
    return repr(value) == repr(expected)


# Profiles

NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.integers(),
    st.sampled_from([0, 10**6, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 10**12, 10**400, -(10**400)]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 0.5, 1e-30, 1e30, 1e308, math.inf, -math.inf, math.nan]),
)
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["nac", "nalu", "mnist", "1", "a\nb", "\x1b[31m", "[/red]"]))
VALUES = st.one_of(
    NUMBERS,
    TEXTS,
    st.booleans(),
    st.dates(),
    st.lists(st.one_of(NUMBERS, TEXTS), max_size=4),
    st.dictionaries(TEXTS, NUMBERS, max_size=2),
    st.lists(st.lists(NUMBERS, max_size=2), max_size=2),
)


def toml(value: Any) -> str:
    """Returns a value in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value) if abs(value) < 10**4000 else hex(value)
        case float():
            return str(value) if math.isfinite(value) else re.sub("inf|nan", lambda found: found[0], str(value))
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{toml(key)} = {toml(entry)}' for key, entry in value.items())}}}"
    return str(value)


def near(value: Any) -> st.SearchStrategy:
    """Returns values that a setting could have."""
    match value:
        case bool():
            return st.booleans()
        case int():
            return st.sampled_from([value] * 6 + [2 * value] * 3 + [value + 1, value * 10**6, -value, 0, 1])
        case float():
            return st.sampled_from([value, value / 2, value / 3, 2 * value, 1, 1, 0, -value, math.inf])
        case tuple() if value and isinstance(value[0], str):
            return st.lists(st.sampled_from([*value, "nac", "nalu"]), max_size=3)
        case tuple():
            return st.lists(st.sampled_from([*value, *value, 1, 3]), min_size=1, max_size=4)
    return st.sampled_from([value, "uci-digits", "direct", "mnist "])


@st.composite
def profiles(draw) -> bytes:
    """Profiles: settings as they could be, with a mistake or several, as text that may be damaged."""
    lines = []
    for name in draw(st.lists(st.sampled_from([*MODULES]), max_size=3, unique=True)):
        lines.append(f"[{name}]")
        for field in draw(st.lists(st.sampled_from([*HINTS[name]]), max_size=3, unique=True)):
            rare = draw(st.integers(0, 15)) == 0
            lines.append(f"{field} = {toml(draw(VALUES if rare else near(getattr(DEFAULTS[name], field))))}")
    mistake = draw(st.integers(0, 50))
    if mistake < len(MISTAKES):
        lines.insert(draw(st.integers(0, len(lines))), draw(MISTAKES[mistake]))
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    if mistake == 20:
        text = text[: draw(st.integers(0, len(text)))]
    if mistake == 21:
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.binary(max_size=3)) + text[place:]
    if mistake == 22:
        text = b"\xef\xbb\xbf" + text
    return text


MISTAKES = [
    st.builds(lambda key, value: f"{toml(key)} = {toml(value)}", TEXTS, VALUES),
    st.builds(lambda key: f"[{toml(key)}]", TEXTS),
    st.sampled_from(["[[identity]]", "[identity.steps]", "[identity]\n[identity]", "identity.seeds = 3", "seeds = 3"]),
    st.sampled_from(["seeds = 3\nseeds = 3", "seed = 3", "Seeds = 3", "seeds.x = 3", "seeds = 0b11", "__doc__ = ''"]),
    st.sampled_from(["x = " + "[" * 5000, "seeds = 0x" + "f" * 5000, "seeds = " + "9" * 5000, "a" * 5000 + " = 1"]),
    st.sampled_from(["# nothing", "", "\t", "\r\n", "seeds = 3 # three", "seeds = 3;"]),
]


def in_python(value: Any, hint: Any) -> Any:
    """Returns a value of TOML as a config holds it."""
    if isinstance(value, list):
        return tuple(in_python(entry, typing.get_args(hint)[0]) for entry in value)
    return float(value) if hint is float and type(value) is int else value


def test_any_profile_is_taken_as_it_is_or_refused(desk):
    seen = Counter()

    @hypothesis.settings(max_examples=200)
    @hypothesis.given(profiles())
    def one(text: bytes) -> None:
        outcome = desk.say("run", "all", "--profile", desk.profile(text))
        seen[outcome.status] += 1
        if outcome.status:
            assert outcome.status == 2
            return
        told = tomllib.loads(io.TextIOWrapper(io.BytesIO(text), "utf-8-sig").read())
        assert set(told) <= set(MODULES)
        for name, resolved in settings_of(outcome).items():
            section = told.get(name, {})
            assert set(section) <= set(HINTS[name])
            for field, hint in HINTS[name].items():
                default = getattr(DEFAULTS[name], field)
                expected = in_python(section[field], hint) if field in section else default
                assert same(getattr(resolved, field), expected), (name, field)

    one()
    assert min(seen[0], seen[2]) > 30, "both are tried"


@pytest.mark.parametrize("profile", config.profile_names())
def test_the_profiles_that_come_with_the_project_are_taken(desk, profile):
    assert set(settings_of(desk.say("run", "all", "--profile", profile))) == set(MODULES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[identity]\nseeds = 0x" + b"f" * 5000, "seeds is too long to be shown, but must be at most 2147483647"),
        (b"[identity]\nseeds = " + b"9" * 5000, "cannot be read: Exceeds the limit"),
        (b"[identity]\nx = " + b"[" * 5000, "cannot be read: maximum recursion depth exceeded"),
        (b"[identity]\nseeds = '" + b"x" * 5000 + b"'", r"seeds is 'x{59}\.\.\., but must be a whole number"),
        (b"[identity]\n'a\\nb' = 1\n\"c\\nd\" = 2", r"there is no setting 'a\\nb'"),
        (b'[identity]\n"c\\nd" = 2', r"there is no setting 'c\\nd'"),
        (b"[identity]\nseeds = 1979-05-27", "seeds is datetime.date"),
        (b"[identity]\nlearning_rate = 1" + b"0" * 400, "learning_rate is inf, but must be above zero and finite"),
        (b"[tracking_time]\nentropy = [0.1, nan]", "entropy is nan, but must be finite and not negative"),
        (b"\xff[identity]", "cannot be read"),
        (b"[identity]\x00", "cannot be read"),
    ],
)
def test_odd_profiles_are_refused_for_what_is_wrong_with_them(desk, text, sentence):
    for command in (["run", "figure1"], ["status"], ["report"], ["publish"], ["verify", "--runs-dir", "runs"]):
        outcome = desk.say(*command, "--profile", desk.profile(text))
        assert outcome.status == 2
        assert re.search(sentence, outcome.wrong), outcome.wrong


def test_a_mark_at_the_beginning_of_a_profile_and_any_line_ends_are_taken(desk):
    """As editors on Windows leave them."""
    profile = desk.profile(b"\xef\xbb\xbf[identity]\r\nseeds = 7\r\n")
    assert settings_of(desk.say("run", "figure1", "--profile", profile))["identity"].seeds == 7


def test_what_is_no_profile_file_is_refused(desk):
    folder = desk.folder / "profiles" / "folder.toml"
    folder.mkdir()
    circle = desk.folder / "profiles" / "circle.toml"
    circle.symlink_to(circle)
    for profile in (folder, circle, "x" * 5000 + ".toml", "absent.toml", "/dev/null/x.toml", "identity.json"):
        assert desk.say("status", "--profile", str(profile)).status == 2


# Command lines


def option(name: str) -> str:
    """Returns a setting as an option is typed."""
    return f"--{name.replace('_', '-')}"


OF_COMMANDS = ("--published", "--to", "--T", "--model", "--episode", "--rounds", "--save", *commands.RUN_OPTIONS)
SETTINGS = {name: [option(field) for field in hints] for name, hints in HINTS.items()}
ODD_WORDS = st.one_of(
    st.sampled_from(["", "-", "--", "---", "-x", "--=", "=", "-5", "--help", "-h", "x" * 5000, "9" * 5000, "9" * 400]),
    st.sampled_from(
        ["--no-save", "--tyro-print-completion", "--seeds=", "~no-such-user", "[/red]", ":smile:", "$(x)", "*"]
    ),
    st.text(max_size=6),
    st.sampled_from(["\udcff", "\0", "a\nb", "\x1b[2J", "\u202eabc", "\u2028", "run", "all"]),
)
VALUE_WORDS = st.one_of(
    st.sampled_from(
        [
            "1",
            "2",
            "3",
            "10",
            "0",
            "-1",
            "1.5",
            "1e-3",
            "-1e-3",
            "nan",
            "-inf",
            "1e400",
            "0x10",
            "1_0",
            "٣",
            "999999999999",
            "2**3",
        ]
    ),
    st.sampled_from(["nac", "nalu", "lstm", "mnist", "true", "False", "None", "a.toml", "runs"]),
    st.integers().map(str),
    st.floats().map(str),
    ODD_WORDS,
)


@st.composite
def words(draw) -> list[str]:
    """Command lines: a command, options of it and of others with values, and here and there an odd word."""
    said, known = [draw(st.sampled_from([*commands.NAMES, *["run"] * 9]))], [*OF_COMMANDS]
    if said[0] == "run":
        target = draw(st.sampled_from(["all", *suite.artefacts(), *MODULES]))
        said += [target, *draw(st.sampled_from([[], ["--profile", "smoke"]]))]
        names = {"all": [*MODULES], **suite.artefacts()}.get(target, [target])
        known += [option for name in names for option in SETTINGS[name]] * 3 + SETTINGS["tracking_time"]
    if said[0] == "bench":
        said.append(draw(st.sampled_from(["all", "static", "grid", "scaling"])))
    for _ in range(draw(st.integers(0, 2))):
        said += draw(options(known))
    for _ in range(max(0, draw(st.integers(-6, 2)))):
        said.insert(draw(st.integers(0, len(said))), draw(ODD_WORDS))
    return said


@st.composite
def options(draw, known: list[str]) -> list[str]:
    """One option, mostly with a value that it could have, joined by = or not, with - or _."""
    flag = draw(st.sampled_from(known))
    fitting = [getattr(DEFAULTS[name], field.name) for name, field in FIELDS if option(field.name) == flag]
    if fitting and draw(st.integers(0, 6)):
        value = draw(near(draw(st.sampled_from(fitting))))
        values = [str(entry) for entry in (value if isinstance(value, list | tuple) else [value])]
    else:
        values = draw(st.lists(VALUE_WORDS, max_size=3 if draw(st.booleans()) else 1))
    if draw(st.integers(0, 5)) == 0:
        flag = f"--{flag[2:].replace('-', '_')}"
    return [f"{flag}={values[0]}", *values[1:]] if values and draw(st.booleans()) else [flag, *values]


def given(said: list[str]) -> dict[str, list[str]]:
    """Returns the options of a command line with their values, as anyone would read them."""
    found: dict[str, list[str]] = {}
    for word in said:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            found[flag[2:].replace("-", "_")] = values = [value] if equals else []
        elif found:
            values.append(word)
    return found


def read(values: list[str], hint: Any) -> Any:
    """Returns the words of a setting as a config holds them."""
    if typing.get_origin(hint) is tuple:
        return tuple(typing.get_args(hint)[0](value) for value in values)
    if hint is bool:
        return [*values, "true"][0].lower() == "true"
    (value,) = values
    return hint(value)


def test_any_command_line_is_done_as_it_says_or_refused(desk):
    seen = Counter()

    @hypothesis.settings(max_examples=500)
    @hypothesis.given(words())
    def one(said: list[str]) -> None:
        outcome = desk.say(*said)
        helped = bool({"-h", "--help"} & set(said))
        seen[said[0], "help" if helped else outcome.status] += 1
        if helped or outcome.status:
            assert outcome.status != 1 or said[0] == "play", "nothing is wrong with the machine"
            return
        options = given(said[1:])
        if said[0] == "run":
            check_run(outcome, options)
        else:
            check_other(outcome, said[0], options)

    one()
    assert seen["run", 0] > 50 and seen["run", 2] > 50, seen
    for command in commands.NAMES:
        assert seen[command, 0] and (seen[command, 2] or command == "list"), (command, seen)


def check_run(outcome: Outcome, options: dict[str, list[str]]) -> None:
    """Sees that exactly what was said is to be trained."""
    resolved = settings_of(outcome)
    sections = config.load_profile(*options.pop("profile", ["quick"]))
    order = outcome.asked["train"][0][1]
    assert str(order.root) == str(Path(*options.pop("runs_dir", ["runs"])))
    chunk = options.pop("chunk", ["None"])
    assert str(order.chunk) == str(None if chunk == ["None"] else int(*chunk))
    for name in ("data", "engine", "cores"):
        options.pop(name, None)
    for name, its in resolved.items():
        expected = config.override(DEFAULTS[name], sections.get(name, {}), source="")
        for field, hint in HINTS[name].items():
            wanted = read(options[field], hint) if field in options else getattr(expected, field)
            assert same(getattr(its, field), wanted), (name, field)
    assert all(any(field in HINTS[name] for name in resolved) for field in options), "no option is passed over"


def check_other(outcome: Outcome, command: str, options: dict[str, list[str]]) -> None:
    """Sees that the recorders of the other commands were asked for what was said."""
    said = {name: [*values, "true"][0] for name, values in options.items()}
    if command == "report":
        root = places.PUBLISHED if "published" in said else Path(said.get("runs_dir", "runs"))
        assert outcome.asked["render"][0][1] == root
        assert outcome.asked["render"][1]["profile"] == said.get("profile", "quick")
    if command == "verify":
        root = Path(said["runs_dir"]) if said.get("runs_dir", "None") != "None" else places.PUBLISHED
        assert outcome.asked["verify"][0][1] == root
    if command == "play":
        named = outcome.asked["play"][1]
        assert (named["instruction"], named["episode"]) == (int(said.get("T", 13)), int(said.get("episode", 0)))
        assert named["model"] == said.get("model", "nac")
    if command == "bench":
        assert outcome.asked["main"][1]["rounds"] == int(said.get("rounds", 5))
        assert (outcome.asked["main"][1]["folder"] is not None) == ("save" in said)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("run figure1 --runs-dir a --runs-dir b", "--runs-dir is given twice"),
        ("report --published --no-published", "--published is given twice"),
        ("report --published --runs-dir a", "--published and --runs-dir name two stores: give one of them"),
        ("run figure1 --seeds 3 --seeds=4", "--seeds is given twice"),
        ("run table3 --splits 1 2 --profile smoke 3", "'3' is not understood here: --profile has one value"),
        ("run figure1 -- --seeds 3", "'--' is not understood here"),
        ("status --runs-dir=", "'--runs-dir=' has no value: perhaps it is a variable that is not set"),
        ("run figure1 --data ~no-such-user/mnist", "--data is '~no-such-user/mnist', but there is no such user"),
        ("run figure5 --instructed 3", "instructed has 1 value, but must have 2"),
        ("run figure1 --models 3 --steps x", "steps is 'x', but must be a whole number"),
        ("run figure5 --exact-only perhaps", "exact_only is 'perhaps', but must be true or false"),
        ("run figure1 --seeds 99999999999999999999", "seeds is 99999999999999999999, but must be at most 2147483647"),
        ("run figure1 --profile \udcff", r"'\\udcff' is not understood here: it is no text"),
        ("run figure1 --train-limit 5 --inputs 3", "There is no setting --inputs; there are --batch"),
    ],
)
def test_what_was_once_passed_over_is_refused(desk, said, sentence):
    outcome = desk.say(*said.split(" "))
    assert outcome.status == 2
    assert re.search(sentence, outcome.wrong), outcome.wrong


def test_true_and_false_are_written_as_in_a_profile(desk):
    for words, value in ((["true"], True), (["False"], False), ([], True)):
        outcome = desk.say("run", "figure5", "--exact-only", *words)
        assert settings_of(outcome)["tracking_time"].exact_only is value


def test_the_user_s_home_stands_for_the_tilde(desk, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert desk.say("run", "figure1", "--runs-dir=~/runs").asked["train"][0][1].root == Path("/home/me/runs")


def test_what_rich_would_take_for_markup_is_printed_as_it_is(desk):
    outcome = desk.say("publish", "--to", "[/red]:smile:")
    assert outcome.status == 0
    assert outcome.asked["render"][0][1] == Path("[/red]:smile:")


@pytest.mark.parametrize(
    "said", ["--help", "x --help", "-- -h", "run --help", "run all --seeds 3 -h", "run --profile -h", "bench -h --x"]
)
def test_help_helps_wherever_it_stands(desk, said):
    outcome = desk.say(*said.split())
    assert outcome.status == 0
    assert "usage: python -m experiments" in outcome.out


# Each setting by itself

MAY_BE_ZERO = {
    "root",
    "split",
    "splits",
    "polish_steps",
    "weight_decay",
    "weight_start",
    "warm_up",
    "fall_off",
    "entropy",
}
MAY_BE_ZERO |= {"value", "lenience", ("tracking_time", "learning_rate"), ("tracking_time_cells", "learning_rate")}
MAY_BE_ZERO |= {("tabular", "rows")}  # 0 rows: all
MAY_BE_NEGATIVE = {"weight_start"}
FREE_TEXTS = {("tabular", field) for field in ("table", "file", "groups", "separator", "decimal", "encoding")}


def numeric() -> list:
    """Returns (experiment, field, place in a list or None, type) of every number in every config."""
    found = []
    for name, field in FIELDS:
        value = getattr(DEFAULTS[name], field.name)
        entries = enumerate(value) if isinstance(value, tuple) else [(None, value)]
        found += [(name, field.name, i, type(entry)) for i, entry in entries if type(entry) in (int, float)]
    return found


@pytest.mark.parametrize(("name", "field", "place", "kind"), numeric())
def test_a_number_that_makes_no_sense_is_refused(name, field, place, kind):
    def refuses(number: int | float) -> bool:
        value = number
        if place is not None:
            value = list(getattr(DEFAULTS[name], field))
            value[place] = number
        try:
            config.override(DEFAULTS[name], {field: value}, source="here")
        except UserError as error:
            return str(error).startswith("here: ") and error.status == 2
        return False

    kinds = {field, (name, field)}
    nonsense = [kind(2**40), 10**30, 10**400, -(10**400), 16**6000]
    nonsense += [0.5] if kind is int else [math.nan, math.inf, -math.inf]
    nonsense += [] if kinds & (MAY_BE_ZERO | {"noises"}) else [kind(0)]  # noises: once, and it has a 0
    nonsense += [] if kinds & MAY_BE_NEGATIVE else [kind(-1)]
    for number in nonsense:
        assert refuses(number), number
    assert not kinds & MAY_BE_ZERO or not refuses(kind(0))


@pytest.mark.parametrize(("name", "field"), [(name, field.name) for name, field in FIELDS])
def test_a_value_of_another_kind_is_refused(name, field):
    value = getattr(DEFAULTS[name], field)
    others = [None, [], {}, "no", [[1]], [value], [True, None]]
    others += [[*value, *value]] if isinstance(value, tuple) else [[1, 2]]
    if field in ("long_layers", "without", "outside_of"):  # none is a choice; it may name what is not there
        others = [other for other in others if other and other != [*value, *value]]
    if (name, field) in FREE_TEXTS:
        others.remove("no")
    for other in others:
        with pytest.raises(UserError, match=r"^here: .*[.)]$") as caught:
            config.override(DEFAULTS[name], {field: other}, source="here")
        assert caught.value.status == 2


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("identity", {"steps": 10, "legs": 4}, "steps is 10, which legs = 4 does not divide"),
        ("identity", {"hidden_layers": 101}, "hidden_layers is 101, but must be above zero and at most 100"),
        ("identity", {"batch": 10**6 + 1}, "batch is 1000001, but must be above zero and at most 1000000"),
        ("static_arithmetic", {"high": 0.05}, "high is 0.05, but must be above low"),
        ("static_arithmetic", {"widen": 1}, "widen is 1.0, but must be above 1"),
        ("static_arithmetic", {"a_lengths": [3, 2]}, "a_lengths is 3 2, but must be two rising lengths"),
        ("static_arithmetic", {"inputs": 10}, "a_lengths is 6 10, but must be two rising lengths below inputs = 10"),
        (
            "recurrent_arithmetic",
            {"steps_extrapolated": 10},
            "steps_extrapolated is 10, but must be above steps_trained",
        ),
        ("arithmetic_readings", {"inputs": 20}, "inputs is 20, but must be above 20, the longest slice"),
        ("mnist_counting", {"hold_out": 1e-5}, "hold_out is 1e-05, but must be a share from 0.001 to 0.999"),
        ("mnist_counting", {"lengths": [10, 10, 1000]}, "lengths names something twice: 10, 10, 1000"),
        ("mnist_counting", {"test_series": [2, 2, 10**6]}, "lengths and test_series make 1000000000 images a test"),
        ("mnist_parity", {"hold_out": 0.9999}, "hold_out is 0.9999, but must be a share from 0.001 to 0.999"),
        ("mnist_parity", {"warm_up": 1}, "warm_up is 1.0, but must be a share from 0 to below 1"),
        ("program_evaluation", {"length": 1e6}, "length is 1000000.0, but must be above zero and at most 1000"),
        ("program_evaluation", {"digits": [2, 2]}, "digits is '2 2', but must rise"),
        ("tracking_time", {"instructed": [8, 21]}, "limit is 20, but must be at least the highest T, 21"),
        ("tracking_time", {"lenience": [0.5, 1.5]}, "lenience is 1.5, but must be a share from 0 to 1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(name, values, sentence):
    with pytest.raises(UserError) as caught:
        config.override(DEFAULTS[name], values, source="here")
    assert sentence in str(caught.value)
