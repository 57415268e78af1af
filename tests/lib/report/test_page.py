"""The page: whole in itself, holding every number, claim and note, and answering its buttons."""

import base64
import html
import io
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from experiments.lib.report import claims, rendering
from experiments.lib.report.artefacts import Artefact, Curve, Figure, Gallery, Panel, Picture, Table
from experiments.lib.report.page import page as report_page
from experiments.lib.report.page import strip
from experiments.lib.store.records import Finished
from tests.browser import Browser, in_a_browser
from tests.quantities import quantity

BLOCKS = ("static interpolation", "static extrapolation")
VOID = {"meta", "br", "img"}
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'title'"


def table(**changes):
    quantities = tuple(
        quantity(block, row, column, np.array([0.31, 0.04, np.nan]) * scale * (7 + i), metric)
        for block in BLOCKS
        for row in ("a+b", "a*b")
        for i, column in enumerate(("ReLU6", "NALU", "NALU (untied)"))
        for metric, scale in (("score", 1.0), ("mse", 1e-6))
    )
    columns = ("ReLU6", "NAC", "NALU", "NALU (untied)")
    notes = ("Batches are shared: a < b & `MSE`.", "A second note.")
    return Table("table1", HOSTILE, BLOCKS, ("a+b", "a*b"), columns, quantities, notes)._replace(**changes)


CURVES = (Curve("c", np.arange(3.0), np.arange(3.0)), Curve("d", np.arange(3.0), np.arange(3.0), style="paper"))
FIGURES = [
    Figure("table1", "curves", HOSTILE, (Panel("p", "steps", "error", CURVES),), ("A figure's <note>.",)),
    Gallery(
        "table1",
        "seen",
        "Seen",
        (Picture("one", np.zeros((4, 4, 3), np.uint8), "says\n3"),) * 2,
        notes=("A gallery's note.",),
        moving=True,
    ),
]
RECORD = Finished(
    "static",
    {"cell": "nalu"},
    {"error": np.zeros((3, 6))},
    "0123abcd",
    {
        "wall_seconds": 200.0,
        "date": "2026-11-20T10:00",
        "device": "a CPU",
        "profile": "quick",
        "seeds": 3,
        "commit": "fedcba98",
        "command": "python -m experiments run <static>",
    },
)


def render(root, tables):
    """Writes what `rendering` does, and returns the page."""
    artefacts = {"table1": Artefact("table1", tables, FIGURES, [RECORD])}
    rendering.write(root, artefacts, {"table1": "make table1"}, published=None, console=Console(quiet=True))
    return (root / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def page(root):
    return render(root, [table()])


@pytest.fixture(scope="module")
def seen(page):
    """The page as it is read: its words, without what is between the angles."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


class Elements(HTMLParser):
    """Collects every element, and what is wrong with how they are closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.all, self.faults = [], [], []
        self.feed(page)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))
        if len(attributes) != len(dict(attributes)):
            self.faults.append(f"{tag} repeats an attribute")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page)


def test_the_page_is_well_formed_and_its_links_lead_somewhere(elements):
    assert not elements.faults
    names = [attributes["id"] for _, attributes in elements.all if "id" in attributes]
    assert len(names) == len(set(names))
    links = [attributes["href"] for tag, attributes in elements.all if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)
    labels = [attributes["aria-labelledby"] for _, attributes in elements.all if "aria-labelledby" in attributes]
    assert set(labels) <= set(names)


def test_the_page_needs_no_other_file_and_no_network(page, elements):
    for tag, attributes in elements.all:
        assert tag not in {"link", "iframe", "object", "embed", "base"}, tag
        assert attributes.get("src", "data:").startswith("data:"), tag
        outward = tag == "a" and attributes["href"] == "https://arxiv.org/abs/1808.00508"
        assert outward or attributes.get("href", "#").startswith("#"), attributes
    style = page[page.index("<style>") : page.index("</style>")]
    assert not re.search(r"url\(|@import", style)
    script = page[page.rindex("<script>") :]
    assert not re.search(r"fetch|XMLHttp|import\(|https?:", script)


def test_headings_are_in_order_and_pictures_have_words(elements):
    levels = [int(tag[1]) for tag, _ in elements.all if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert ("html", {"lang": "en-GB"}) in elements.all
    pictures = [attributes for tag, attributes in elements.all if tag == "img"]
    assert len(pictures) == 3
    assert all(picture["alt"] for picture in pictures)
    assert "p: error against steps, of c, d (the paper)" in pictures[0]["alt"]
    assert "one: says; 3" in pictures[1]["alt"]


def test_every_number_is_on_the_page(seen):
    for shown in ("0.3", "median 2.2 [0.3, >999]", "solved 0 % [0, 56]", "paper 42.6", "1 diverged"):
        assert shown in seen, shown
    assert "static interpolation, ours besides" in seen
    for number in ("2.2e-06", "2.5e-06", "2.8e-06", "[2.8e-07, inf]"):
        assert number in seen, number
    for fact in ("0123abcd", "static: cell nalu", "fedcba98", "2026-11-20T10:00", "3 min", "a CPU", "make table1"):
        assert fact in seen, fact


def test_every_note_and_every_claim_is_on_the_page(page, seen):
    for note in ("A second note.", "A figure's <note>.", "A gallery's note.", "a < b & MSE"):
        assert note in seen, note
    assert "a &lt; b &amp; <code>MSE</code>." in page
    for claim in claims.all_claims():
        for words in (claim.claim, claim.test, claim.note.replace("`", "")):
            assert " ".join(words.split()) in seen, words
    assert page.count("data-verdict=") == len(claims.all_claims())
    assert "Not run yet figure5" in seen


def test_shares_of_several_tables_stand_in_one_grid_at_a_glance(tmp_path):
    solved = [each._replace(threshold=0.3) for each in table().quantities if each.metric == "score"]  # 0.28 by ReLU6
    one = table(headline="share", glance=("all of them", "one"), quantities=tuple(solved))
    other = table(headline="share", glance=("all of them", "two"), title="Another", columns=("NALU",))
    text = render(tmp_path, [one, other])
    (grid,) = re.findall(r"<caption>all of them</caption>.*?</table>", text, re.DOTALL)
    assert {"NALU (one)", "NALU (two)"} <= set(re.findall(r'scope="col">([^<]*)<', grid))
    assert "<svg" not in grid
    cells = re.findall(r'data-sort="[\d.]+">\s*<span class="sign">(.)</span> <b>(\d+) %</b>', grid)
    assert cells
    assert set(cells) == {("◔", "33"), ("○", "0")}
    assert not Elements(text).faults
    assert "## At a glance: all of them" in (tmp_path / "tables" / "table1.md").read_text(encoding="utf-8")


def test_what_comes_from_outside_is_escaped(page, elements):
    assert "<script>alert" not in page
    assert html.unescape(page).count(HOSTILE) >= 4  # title, contents, table, figure
    assert sum(tag == "script" for tag, _ in elements.all) == 1


def test_the_same_store_gives_the_same_bytes(page, tmp_path):
    assert render(tmp_path, [table()]) == page


def test_a_half_finished_store_has_a_page(tmp_path):
    seen = render(tmp_path, [table(quantities=())])
    assert "Not run yet" in seen
    assert "paper 42.6" in seen


def test_what_was_run_stands_before_what_was_not(page):
    order = re.findall(r'<section class="artefact" id="([^"]+)"', page)
    contents = re.findall(r'<li><a href="#([^"]+)"><b>', page)
    assert order == contents
    assert order[0] == "table1"
    assert "figure1" in order[1:]


def test_the_counts_on_the_buttons_are_those_of_the_verdicts():
    claim = claims.all_claims()[0]
    verdicts = tuple(claims.Verdict(claim, name, 1.0, 1.0, 1.0) for name in ("holds", "holds", "fails"))
    shown = report_page.render_page([], verdicts).decode()
    buttons = re.findall("<button.*?</button>", shown, re.DOTALL)
    words = [re.sub(r"<[^>]*>", "", button).strip() for button in buttons]
    assert words == ["all 3", "✓ holds 2", "◐ partly 0", "✗ fails 1", "○ open 0"]


def test_a_strip_has_a_dot_for_every_seed_at_its_place():
    drawn = strip.strip(quantity("b", "r", "c", [0.0, 1.0, 1.0, 2.0], metric="m"))
    assert drawn.dots == {14: 1, 65: 2, 119: 1}  # a grid of 3 from 14 to 118
    assert drawn.median == 66
    assert drawn.beyond == {}
    assert drawn.ends == ("0", "", "2")
    assert drawn.words.startswith("4 seeds: median 1")


def test_seeds_that_diverged_or_are_off_the_scale_stand_at_the_edge():
    few = quantity("b", "r", "c", [1.0, 2.0, np.nan, np.inf, 5000.0], metric="m")
    assert strip.strip(few, cap=999.0).beyond == {128: 3}
    assert sum(strip.strip(few, cap=999.0).dots.values()) == 2
    accuracy = few._replace(values_S=np.array([98.0, 99.0, np.nan]), higher_is_better=True)
    assert strip.strip(accuracy).beyond == {4: 1}
    none = strip.strip(few._replace(values_S=np.array([np.nan, np.nan])))
    assert (none.beyond, none.dots, none.ends) == ({128: 2}, {}, ())


def test_errors_over_many_decades_are_on_a_logarithmic_scale_and_zero_is_at_its_edge():
    drawn = strip.strip(quantity("b", "r", "c", [0.0, 1e-4, 1e-2, 1.0], metric="m"))
    assert drawn.dots == {14: 1, 65: 1, 119: 1}
    assert drawn.beyond == {4: 1}
    assert drawn.ends == ("0.0001", "log", "1")
    assert strip.scale(np.array([0.1, 99.0]), np.nan, cap=np.inf, higher_is_better=True).logarithmic is False


def test_the_papers_value_is_marked_and_belongs_to_the_scale():
    drawn = strip.strip(quantity(BLOCKS[1], "a+b", "ReLU6", [10.0, 20.0, 30.0]))
    assert drawn.paper == 118
    assert drawn.ends == ("10", "", "42.6")
    assert "the paper 42.6" in drawn.words


def test_a_hundred_equal_seeds_stay_within_the_strip():
    drawn = strip.strip(quantity("b", "r", "c", [1.0] * 100, metric="m"))
    assert drawn.dots == {65: 100}
    assert 10 < float(drawn.height(100)) < strip.HEIGHT


def test_the_page_draws_the_strip_of_every_number(page):
    """A stack of n dots is one dotted line over n - 1 steps."""
    drawn = strip.strip(quantity(BLOCKS[0], "a+b", "ReLU6", np.array([0.31, 0.04, np.nan]) * 7), cap=999.0)
    stacks = "".join(f"M{x} 18v-{drawn.height(dots)}" for x, dots in drawn.dots.items())
    assert f'class="dots" stroke-dasharray="0 {drawn.step:.3g}" d="{stacks}"' in page
    assert page.count('<svg class="strip"') == len(table().quantities) + 1  # and the example


def test_pictures_are_made_smaller_and_keep_their_colours():
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[5:15] = (0, 114, 178)
    pixels[20:30] = (213, 94, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=0)
    kind, _, data = report_page.png_address(buffer.getvalue()).partition(",")
    assert kind == "data:image/png;base64"
    small = base64.b64decode(data)
    assert len(small) < len(buffer.getvalue())
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(small)).convert("RGB")), pixels)


@pytest.fixture(scope="module")
def browser(page, root):
    browser = Browser((root / "report.html").as_uri(), root / "profile")
    yield browser
    browser.close()


SHOWN = "[...document.querySelectorAll('[data-verdict]')].filter(e => e.checkVisibility()).map(e => e.dataset.verdict)"


@pytest.mark.process
@in_a_browser
def test_in_a_browser_the_buttons_choose_among_the_claims(browser, page):
    total = page.count("data-verdict=")
    count = {name: page.count(f'data-verdict="{name}"') for name in claims.VERDICTS}
    assert count["open"] and count["partly"]
    assert len(browser.ask(SHOWN)) == total
    browser.ask("document.querySelector('[data-choose=open]').click()")
    browser.wait("location.hash == '#verdict=open' && document.body.classList.contains('filtered')")
    browser.wait(f"{SHOWN}.every(verdict => verdict == 'open')")
    browser.wait(f"document.getElementById('shown').textContent.startsWith('{count['open']} of {total} claims')")
    browser.wait("!document.querySelector('figure').checkVisibility()")
    first = (
        "[...document.querySelectorAll('[data-verdict]')].find(e => e.checkVisibility()).getBoundingClientRect().top"
    )
    browser.wait(f"{first} > document.getElementById('filter').getBoundingClientRect().bottom")
    browser.ask("document.querySelector('[data-choose=partly]').click()")
    browser.wait("document.querySelector('[data-choose=partly]').getAttribute('aria-pressed') == 'true'")
    browser.wait(f"{SHOWN}.length == {count['open'] + count['partly']}")
    browser.ask("document.querySelector('#table1 .back a').click()")
    browser.wait("!document.body.classList.contains('filtered')")
    browser.wait("document.querySelector('figure').checkVisibility()")


MANY = tuple(f"row {number}" for number in range(9))
WIDE = tuple(f"a column of_many_words_that_are_not_to_be_parted {number}" for number in range(12))


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A page in a browser whose table is wider than any window, with enough rows to be chosen from."""
    root = tmp_path_factory.mktemp("wide")
    errors = ((row, column, np.full(2, number * 7.0 % 9)) for number, row in enumerate(MANY) for column in WIDE)
    quantities = tuple(quantity(BLOCKS[0], *place, values)._replace(threshold=None) for *place, values in errors)
    notes = ("The path `" + "of_a_file/" * 30 + "`.",)
    render(root, [table(rows=MANY, columns=WIDE, quantities=quantities, notes=notes)])
    browser = Browser((root / "report.html").as_uri(), root / "profile")
    yield browser
    browser.close()


@pytest.mark.process
@in_a_browser
@pytest.mark.parametrize("width", [1200, 400])
def test_in_a_browser_nothing_but_tables_and_pictures_is_wider_than_the_window(browser, wide, width):
    browser.require_nothing_beyond(width)
    wide.require_nothing_beyond(width)
    box = "[...document.querySelectorAll('#table1 .box')].find(e => e.scrollWidth > e.clientWidth)"
    assert wide.ask(f"getComputedStyle({box}).overflowX") == "auto"


@pytest.mark.process
@in_a_browser
def test_in_a_browser_a_table_is_sorted_by_a_column_and_searched_by_its_rows(wide):
    rows = "[...document.querySelectorAll('#table1 tbody tr')].filter(e => e.checkVisibility())"
    names = f"{rows}.map(e => e.cells[0].textContent)"
    head = "document.querySelector('#table1 thead button')"
    by_error = sorted(MANY, key=lambda row: int(row[-1]) * 7 % 9)
    assert wide.ask(names) == list(MANY)
    wide.ask(f"{head}.click()")
    assert wide.ask(names) == by_error[::-1]
    assert wide.ask(f"{head}.parentElement.getAttribute('aria-sort')") == "descending"
    wide.ask(f"{head}.click()")
    assert wide.ask(names) == by_error
    search = "document.querySelector('#table1 input.rows')"
    wide.ask(f"{search}.value = 'ROW 3'; {search}.dispatchEvent(new Event('input'))")
    assert wide.ask(names) == ["row 3"]
    wide.ask(f"{search}.value = ''; {search}.dispatchEvent(new Event('input'))")
    assert wide.ask(names) == by_error


@pytest.mark.process
@in_a_browser
def test_in_a_browser_all_of_it_is_printed(browser):
    folded = browser.ask("document.querySelectorAll('details > :not(summary)').length")
    sections = browser.ask("document.querySelectorAll('section.artefact').length")
    assert folded and sections
    pdf, printed = browser.print()
    assert pdf.startswith(b"%PDF-")
    assert printed == [sections, folded]
    browser.wait("document.querySelectorAll('details[open]').length == 0")


@pytest.mark.process
@in_a_browser
def test_in_a_browser_nothing_goes_wrong(browser, wide):
    """Once the other tests have used the page."""
    assert browser.wrong == wide.wrong == []
