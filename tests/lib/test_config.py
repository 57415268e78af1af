"""Configs: a profile over the defaults, the command line over both, and one clear sentence for every mistake."""

import dataclasses
from typing import Annotated

import pytest

from experiments.lib import config, settings, suite
from experiments.lib.errors import UserError


@dataclasses.dataclass(frozen=True)
class Config:
    seeds: config.Count = 3
    rate: config.Positive = 0.1
    name: str = "a"
    wide: bool = False
    limits: tuple[float, float] = (0.0, 1.0)
    cells: tuple[str, ...] = config.selects(("nac", "nalu"), among=("nac", "nalu", "relu6"))
    split: Annotated[tuple[config.Natural, ...], config.DISTINCT] = (1, 2)
    unit: str = config.one_of("value", among=("value", "log"))

    def __post_init__(self) -> None:
        config.check(self)


@dataclasses.dataclass(frozen=True)
class Other:
    seeds: int = 5
    depth: int = 2


def from_profile(**values):
    return config.override(Config(), values, source="profile x, [toy]")


def from_words(*words, configs=None):
    return settings.override(configs or {"toy": Config()}, words)


def test_a_profile_overrides_and_converts_whole_numbers_and_lists():
    changed = from_profile(seeds=7, rate=1, cells=["nalu"], limits=[1, 2.5])
    assert changed == Config(seeds=7, rate=1.0, cells=("nalu",), limits=(1.0, 2.5))
    assert type(changed.rate) is float
    assert Config().seeds == 3, "configs are never changed"
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.seeds = 8


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"seed": 7},
            r"profile x, \[toy\]: there is no setting 'seed' \(did you mean 'seeds'\?\); there are",
        ),
        ({"seeds": "7"}, "seeds is '7', but must be a whole number"),
        ({"seeds": 7.0}, "seeds is 7.0, but must be a whole number"),
        ({"seeds": True}, "seeds is True, but must be a whole number"),
        ({"rate": "fast"}, "rate is 'fast', but must be a number"),
        ({"rate": True}, "rate is True, but must be a number"),
        ({"name": 3}, "name is 3, but must be a text"),
        ({"wide": 1}, "wide is 1, but must be true or false"),
        ({"cells": "nalu"}, "cells is 'nalu', but must be a list"),
        ({"cells": ["nalu", 3]}, "cells is 3, but must be a text"),
        ({"limits": [1.0]}, "limits has 1 value, but must have 2"),
        ({"seeds": 0}, "seeds is 0, but must be above zero and finite"),
        ({"seeds": -3}, "seeds is -3, but must be above zero"),
        ({"rate": float("nan")}, "rate is nan, but must be above zero and finite"),
        ({"rate": float("inf")}, "rate is inf, but must be above zero and finite"),
        ({"cells": []}, "cells is empty: name at least one of nac, nalu, relu6"),
        ({"cells": ["nac", "nac"]}, "cells names something twice"),
        ({"split": []}, "split is empty: name at least one"),
        ({"split": [3, 3]}, "split names something twice: 3, 3"),
        ({"split": [3, -1]}, "split is -1, but must be finite and not negative"),
        ({"unit": "logs"}, r"unit has no 'logs' \(did you mean 'log'\?\); there are value, log"),
        ({"cells": ["nalo"]}, r"cells has no 'nalo' \(did you mean 'nalu'\?\); there are nac, nalu, relu6"),
    ],
)
def test_a_mistake_in_a_profile_is_one_sentence_that_says_where_and_what_is_valid(values, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        from_profile(**values)
    assert caught.value.status == 2
    assert "profile x, [toy]" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_override_each_config_that_has_the_field():
    changed = from_words("--seeds", "9", "--depth=4", "--rate", "1", configs={"toy": Config(), "other": Other()})
    assert changed == {"toy": Config(seeds=9, rate=1.0), "other": Other(seeds=9, depth=4)}
    assert from_words("--cells", "nalu", "nac")["toy"].cells == ("nalu", "nac")
    assert from_words("--limits", "1", "2")["toy"].limits == (1.0, 2.0)
    assert from_words()["toy"] == Config()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seed", "4"], r"There is no setting --seed \(did you mean --seeds\?\); there are --cells, --limits"),
        (["--xyzzy", "4"], r"There is no setting --xyzzy; there are --cells"),
        (["4"], "'4' is not understood here: settings are given as --name value"),
        (["--seeds", "x"], "toy, as typed: seeds is 'x', but must be a whole number"),
        (["--rate", "1", "--seeds", "1.5"], "seeds is '1.5', but must be a whole number"),
        (["--seeds"], "seeds has no value, but must be a whole number"),
        (["--seeds", "1", "2"], "seeds has 2 values, but must be a whole number"),
        (["--rate", "fast"], "rate is 'fast', but must be a number"),
        (["--seeds", "0"], "seeds is 0, but must be above zero"),
        (["--seeds", "-3"], "seeds is -3, but must be above zero"),
        (["--rate", "nan"], "rate is nan"),
        (["--rate", "inf"], "rate is inf"),
        (["--limits", "1"], "limits has 1 value, but must have 2"),
        (["--wide", "perhaps"], "wide is 'perhaps', but must be true or false"),
        (["--cells"], "cells is empty"),
        (["--cells", "nalu", "tanhh"], "cells has no 'tanhh'; there are nac, nalu, relu6"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(words, sentence, capsys):
    with pytest.raises(UserError, match=sentence) as caught:
        from_words(*words)
    assert caught.value.status == 2
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", ""), "the parser adds nothing"


def test_help_tells_every_setting_and_its_default(capsys):
    settings.print_help({"toy": Config(), "other": Other()}, program="run toy")
    told = capsys.readouterr().out
    for word in ("experiment toy", "--seeds", "--rate", "--cells", "(default: 0.1)", "experiment other", "--depth"):
        assert word in told


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_profiles_are_names_or_paths(tmp_path, monkeypatch):
    path = write(tmp_path / "mine.toml", "[toy]\nseeds = 2\n[other]\n")
    assert config.load_profile(path) == {"toy": {"seeds": 2}, "other": {}}
    monkeypatch.setattr(config, "PROFILES", tmp_path)
    assert config.load_profile("mine") == config.load_profile(path)
    assert config.profile_names() == ["mine"]


def test_the_profiles_that_come_with_the_project_are_there():
    assert {"smoke", "quick", "full"} <= set(config.profile_names())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seeds = 3", "'seeds' stands outside of a section"),
        ("[toy\n", "cannot be read: "),
        ("[toy]\nseeds = \n", "cannot be read: "),
        (b"\xff\xfe", "cannot be read: "),
    ],
)
def test_a_broken_profile_is_told(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        config.load_profile(write(tmp_path / "mine.toml", text))
    assert caught.value.status == 2
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_that_is_not_there_is_told():
    with pytest.raises(UserError, match=r"no profile 'quik' \(did you mean 'quick'\?\); there are full, quick, smoke"):
        config.load_profile("quik")
    with pytest.raises(UserError, match=r"no profile '/nowhere/x.toml'"):
        config.load_profile("/nowhere/x.toml")
    with pytest.raises(UserError, match="cannot be read"):
        config.load_profile("/proc/version/x.toml")


def test_a_section_that_is_no_experiment_is_told():
    config.check_sections({"toy": {}}, ["toy", "other"])
    with pytest.raises(UserError, match=r"\[toi\], which is no experiment \(did you mean 'toy'\?\); there are"):
        config.check_sections({"toi": {}}, ["toy", "other"])


def test_the_address_leaves_out_what_only_selects_runs():
    assert config.as_data(Config())["cells"] == ["nac", "nalu"]
    address = config.as_data(Config(), address=True)
    assert "cells" not in address
    assert address["limits"] == [0.0, 1.0]
    assert set(address) == {"seeds", "rate", "name", "wide", "limits", "split", "unit"}


def test_the_defaults_are_the_profile_of_what_is_published():
    """Some are written down in both places, where one looks for them; which runs there are, the profile alone says."""
    for experiment in suite.experiments("all", "full"):
        own = config.as_data(experiment.module.Config(), address=True)
        assert config.as_data(experiment.config, address=True) == own, experiment.name
