"""Count the words that plain English avoids: ``python -m tests.policies.words [PATH ...]``.

The counts are per 1,000 words of docstrings (``*.py``), pages (``*.md``, without code) and
templates (``*.html``: marked texts, and others without markup). The limits stand in ``LIMITS``.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jinja2.ext import babel_extract

ROOT = Path(__file__).parents[2]
DEFAULT = (
    "src",
    "docs",
    "bench/README.md",
    "templates",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
SHOWN_FILES = 15

AVOIDED = {
    "what": re.compile(r"\bwhat\b", re.I),
    "who": re.compile(r"\b(?:who|whom|whose)\b", re.I),
    "anew": re.compile(r"\banew\b", re.I),
    "nobody": re.compile(r"\b(?:nobody|somebody)\b", re.I),
}
LIMITS = {"what": 2.0, "who": 1.0, "anew": 0.0, "nobody": 0.5}  # per 1,000 words, for each kind

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
INLINE_CODE = re.compile(r"(`+)[^`]+\1")
MARKDOWN_CODE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2 *$|<!--.*?-->", re.M | re.S)
LINK_TARGET = re.compile(r"\]\([^)\s]*\)")
MARKUP = re.compile(
    r"\{%-? *trans\b.*?endtrans *-?%\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}"
    r"|<!--.*?-->|<(script|style)\b.*?</\1>|<[^>]*>",
    re.S,
)


@dataclass
class Tally:
    """The words of one text, and the lines with an avoided one."""

    words: int = 0
    found: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def read(self, text: str, first_line: int = 1) -> None:
        for number, line in enumerate(text.splitlines(), first_line):
            self.words += len(WORD.findall(line))
            hits = {name: len(word.findall(line)) for name, word in AVOIDED.items()}
            self.found.update(hits)
            if any(hits.values()):
                self.lines.append((number, line.strip()))

    def per_thousand(self, name: str) -> float:
        return 1000 * self.found[name] / self.words if self.words else 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.words + other.words, self.found + other.found, [])


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """Remove all matches from a text and keep its line numbers."""
    return pattern.sub(lambda match: " " + "\n" * match[0].count("\n"), text)


def read_docstrings(source: str) -> Tally:
    tally = Tally()
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node):
            first = node.body[0]
            assert isinstance(first, ast.Expr)
            assert isinstance(first.value, ast.Constant)
            tally.read(blanked(INLINE_CODE, str(first.value.value)), first.lineno)
    return tally


def read_page(source: str) -> Tally:
    tally = Tally()
    text = blanked(MARKDOWN_CODE, source)
    tally.read(blanked(LINK_TARGET, blanked(INLINE_CODE, text)))
    return tally


def read_template(source: str) -> Tally:
    tally = Tally()
    tally.read(blanked(MARKUP, source))
    # gettext, ngettext and the others, under the names and with the blocks of the CRM's templates
    keywords = ("_", "gettext", "ngettext", "pgettext", "npgettext")
    for line, _, texts, _ in babel_extract(io.BytesIO(source.encode()), keywords, [], {}):
        for text in [texts] if isinstance(texts, str) else texts or ():
            tally.read(blanked(MARKUP, text or ""), line)
    return tally


KINDS = {".py": "docstrings", ".md": "docs", ".html": "templates"}
READERS = {"docstrings": read_docstrings, "docs": read_page, "templates": read_template}


def files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.suffix in KINDS and file.is_file())


def count(paths: Iterable[Path]) -> dict[str, dict[Path, Tally]]:
    """Read all files at or below the paths; the tallies of each kind by file."""
    counted: dict[str, dict[Path, Tally]] = {}
    for file in files(paths):
        kind = KINDS[file.suffix]
        counted.setdefault(kind, {})[file] = READERS[kind](file.read_text("utf-8"))
    return counted


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def over_the_limit(tally: Tally) -> list[str]:
    return [name for name, limit in LIMITS.items() if tally.per_thousand(name) > limit]


def report(counted: dict[str, dict[Path, Tally]]) -> Iterator[str]:
    for kind, tallies in counted.items():
        whole = total(tallies.values())
        figures = "  ".join(
            f"{name} {whole.per_thousand(name):.2f} (at most {limit:g})"
            for name, limit in LIMITS.items()
        )
        yield f"{kind}: {whole.words} words; per 1,000: {figures}"
        worst = sorted(tallies.items(), key=lambda item: -item[1].found.total())
        for file, tally in worst[:SHOWN_FILES]:
            if tally.lines:
                yield f"  {file}: {tally.found.total()} in {tally.words} words"
                yield from (f"    {number}: {line}" for number, line in tally.lines)


def main(arguments: list[str]) -> int:
    """Print the counts; 1 if a kind is over a limit."""
    counted = count([Path(name) for name in arguments] or [ROOT / name for name in DEFAULT])
    print(*report(counted), sep="\n")  # noqa: T201 - a program that prints figures
    return int(any(over_the_limit(total(tallies.values())) for tallies in counted.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
