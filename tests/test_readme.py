"""The examples of README and guide do what they show: the Python blocks of a page are one session, run in order."""

import doctest
import re

import pytest

from experiments.lib.places import ROOT


@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
def test_every_example_gives_what_it_shows(page):
    text, session, complaints = (ROOT / page).read_text(encoding="utf-8"), {}, []
    runner, examples = doctest.DocTestRunner(), 0
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start(1))
        test = doctest.DocTestParser().get_doctest(block[1], {}, "example", page, line)
        test.globs = session
        if test.examples:
            runner.run(test, out=complaints.append, clear_globs=False)
        else:  # shows no output
            exec(compile("\n" * line + block[1], page, "exec"), session)
        examples += 1
    assert examples, f"{page} has no example"
    assert runner.summarize(verbose=False).failed == 0, "".join(complaints)
