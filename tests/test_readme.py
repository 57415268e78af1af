"""The README's examples do what they show: its Python blocks are one session, run from the first to the last."""

import doctest
import re

from experiments.lib.places import ROOT

README = ROOT / "README.md"


def test_every_example_gives_what_it_shows():
    text, session, complaints = README.read_text(encoding="utf-8"), {}, []
    runner, examples = doctest.DocTestRunner(), 0
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start(1))
        test = doctest.DocTestParser().get_doctest(block[1], {}, "example", str(README), line)
        test.globs = session
        if test.examples:
            runner.run(test, out=complaints.append, clear_globs=False)
        else:  # shows no output
            exec(compile("\n" * line + block[1], str(README), "exec"), session)
        examples += 1
    assert examples, "the README has no example"
    assert runner.summarize(verbose=False).failed == 0, "".join(complaints)
