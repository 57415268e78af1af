"""The site: `make docs` builds it from the guides here, the results as they are published, and the docstrings.

The source folder is the repository, so that a link that works on the page of a file works on the site, and nothing is
copied. Sphinx with MyST and MyST-NB, as Flax and Optax have it: guides in Markdown, notebooks run when they are built.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project, author, copyright = "nalu", "The nalu contributors", "The nalu contributors"
version = release = PROJECT["version"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "results/*.md",
    "results/tables/*.md",
    "**/SOURCES.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = ["docs/_*", ".git", ".venv", "build", "runs*"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # files of tables begin with a heading of the second level
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_cache_path = str(ROOT / "docs" / "_site" / ".jupyter_cache")
nb_execution_timeout = 1200  # only what hangs takes as long
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings give shapes and types
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"nalu {version}"
html_copy_source = False
html_static_path, html_css_files = ["_static"], ["wide.css"]
html_extra_path = ["_static/index.html"]  # the site's root leads to docs/index.html
linkcheck_anchors = False  # of pages that scripts make

SECTIONS = re.compile(r"(Args|Arguments|Returns|Raises|Attributes|Yields):$")


def in_restructured_text(app, what, name, obj, options, lines):
    """Docstrings are Markdown: code in single backticks, equations indented by four."""
    made, section = [], False
    for line in lines:
        if line.strip() and not line.startswith(" "):
            section = bool(SECTIONS.match(line))
        equation = line.startswith("    ") and not section
        if equation and made and not made[-1].strip():
            made += ["::", ""]
        if not equation:
            code = re.split(r"(`[^`]*`)", line)
            code[::2] = [re.sub(r"([|*\\])", r"\\\1", text) for text in code[::2]]
            code[1::2] = [f"`{text}`" for text in code[1::2]]
            line = "".join(code)
        made.append(line)
    lines[:] = made


def setup(app):
    app.connect("autodoc-process-docstring", in_restructured_text, priority=400)  # before Napoleon
