"""Sphinx builds the site from these pages: ``make docs``."""

from __future__ import annotations

import importlib.metadata

from sphinx.application import Sphinx

project = "Quarterdeck"
author = "The Quarterdeck developers"
copyright = author
release = importlib.metadata.version("quarterdeck")

# Pages of the repository that lie outside this folder, and their page here.
OUTSIDE = {
    "](CONTRIBUTING.md": "](contributing.md",
    "](CHANGELOG.md": "](changelog.md",
    "](LICENSE": "](../LICENSE",
    "](README.zh.md": "](zh/index.md",
    "](examples/": "](../examples/",
    "](README.md": "](../index.md",
    "](../bench/README.md": "](benchmarks.md",
    "](bench/README.md": "](docs/benchmarks.md",
}


def point_at_pages(_app: Sphinx, _path: object, _name: object, source: list[str]) -> None:
    """Make links that are right in the repository right in the site."""
    for link, page in OUTSIDE.items():
        source[0] = source[0].replace(link, page)


def is_of_a_library(
    _app: Sphinx, what: str, _name: str, member: object, skip: bool, _options: object
) -> bool:
    """Leave out methods that a room only names again, such as those of SQLAlchemy."""
    module = getattr(member, "__module__", None) or "quarterdeck"
    return skip or (what != "module" and not module.startswith("quarterdeck"))


def setup(app: Sphinx) -> None:
    app.connect("source-read", lambda app, name, source: point_at_pages(app, None, name, source))
    app.connect("autodoc-skip-member", is_of_a_library)
    app.connect("include-read", point_at_pages)


extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin a table of a generator at any level

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"Quarterdeck {release}"
html_show_sourcelink = False
html_copy_source = False
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
