"""Find texts for people that are not marked for translation, in templates and in the code.

``python -m tests.crm.languages.unmarked`` prints them as ``FILE:LINE: TEXT``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "quarterdeck_crm"
FAMILY = {
    "_", "_l", "_n", "gettext", "ngettext", "pgettext", "npgettext", "lazy_gettext",
    "lazy_ngettext", "N_", "marked", "lazy_pgettext", "lazy_npgettext",
}  # fmt: skip
# Attributes that people read or hear.
ATTRIBUTES = re.compile(
    r"""\b(title|alt|placeholder|aria-label|aria-description|label|data-text|data-label)="([^"]*)\""""
)
JINJA = re.compile(r"\{#.*?#\}|\{%-?\s*trans\b.*?endtrans\s*-?%\}|\{%.*?%\}|\{\{.*?\}\}", re.S)
TAG = re.compile(r"<(/?)([a-zA-Z!][\w-]*)((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>", re.S)
# Elements whose content is the same in each language.
UNTRANSLATED = ("kbd", "code", "style", "script", "samp")
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = {"Quarterdeck", "JSON", "API", "CSV", "UTC", "ETag"}
GAP = "\0"  # stands for a value in the text of a page
END = "\1"  # stands for a statement or comment, at which a text ends


def templates() -> list[Path]:
    """Return all templates of pages and mails."""
    folders = [ROOT / "templates", *SOURCE.glob("*/templates")]
    return sorted(p for f in folders for kind in ("html", "txt") for p in f.rglob(f"*.{kind}"))


def in_template(source: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the text of each unmarked text of a template."""
    blank = JINJA.sub(
        lambda found: (GAP if found[0].startswith("{{") else END) * len(found[0]), source
    )
    yield from _in_markup(blank)
    for found in JINJA.finditer(source):
        if found[0].startswith("{#") or re.match(r"\{%-?\s*trans\b", found[0]):
            continue
        yield from ((found.start(), found.end(), text) for text in _in_code(found[0]))


def _in_markup(blank: str) -> Iterator[tuple[int, int, str]]:
    skipped = None
    position = 0
    for tag in [*TAG.finditer(blank), None]:
        end = len(blank) if tag is None else tag.start()
        if skipped is None:
            yield from _text(blank, position, end)
        if tag is None:
            break
        position = tag.end()
        name = tag[2].lower()
        if name in UNTRANSLATED:
            skipped = None if tag[1] else name
        for attribute in ATTRIBUTES.finditer(tag[3]):
            offset = tag.start(3)
            yield from _text(blank, offset + attribute.start(2), offset + attribute.end(2))


def _text(blank: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for part in re.finditer(f"[^{END}]+", blank[start:end]):
        text = part[0]
        words = re.sub(r"&\w+;|\w+://\S+", " ", text.replace(GAP, " ")).strip(" \n·(),:.;")
        # A class, or an attribute that a block adds to a tag.
        is_code = re.fullmatch(r"[a-z]+(-[a-z]+)+|([a-z-]+=\"[^\"]*\"?\s*)+", words)
        if WORD.search(words) and words not in NAMES and not is_code:
            lead = len(text) - len(text.lstrip())
            begin = start + part.start()
            yield begin + lead, begin + len(text.rstrip()), text.strip()


def _in_code(code: str) -> Iterator[str]:
    """Yield the literals of an expression or statement that read like a text for people."""
    for literal in re.finditer(r"""(?<![\w\]])(["'])((?:(?!\1).)*)\1""", code, re.S):
        before = code[: literal.start()]
        if re.search(r"has_role\($", before):
            continue
        if re.search(r"nothing_found\(listing, [^,]+, $", before):
            yield literal[2]
        if re.search(r"\b(_|n?p?gettext)\((?:[^()\"']|\"[^\"]*\"|'[^']*'|\([^()]*\))*$", before):
            continue
        if reads_like_text(literal[2]):
            yield literal[2]


def reads_like_text(text: str) -> bool:
    """Whether a literal is a word with a capital, or has several words and is no class or code."""
    text = text.strip()
    if text in NAMES or not WORD.search(text):
        return False
    if re.fullmatch(r"[YMDHdm: ]+", text):  # a pattern of dates
        return False
    if re.fullmatch(r"[A-Z]-?[a-z]+(?:[ -][\w-]+)*", text):
        return True
    return bool(re.search(r"[a-z,][.?!]?\s+\w", text)) and not re.fullmatch(
        r"[a-z0-9 _/{}~:-]+", text
    )


# Modules whose texts are for operators, programs and developers, who read English.
ENGLISH = (
    "api/", "cli/", "config/", "demo/", "asgi.py", "schema.py", "paths.py", "web/health.py",
    "web/metrics.py", "web/traces.py", "events/", "live/", "attachments/pruning.py", "__main__.py",
    "search/word_index.py", "orders/sum_checks.py",
    # Reports about rows of a file, which name its columns and are the same on the terminal.
    "transfer/accounts.py", "transfer/columns.py", "transfer/csvfile.py", "transfer/goods.py",
    "transfer/importing.py", "transfer/orders.py", "transfer/tasks.py", "transfer/order_writing.py",
)  # fmt: skip
# Errors that operators and programs read.
ENGLISH_CLASSES = {
    "SchemaMismatchError",
    "KeyClashError",
    "InsufficientScopeError",
    "OrderSumsError",
}
# Calls whose texts are for them.
ENGLISH_CALLS = re.compile(
    r"(logger|logging|log|current_app\.logger|warnings)\.|click\.|ConfigKey|ConfigurationError"
    r"|SchemaMismatchError|KeyClashError|HubError|RuntimeError|TypeError|AssertionError"
    r"|NotImplementedError|re\.compile|Markup|text$|sa\.|Column|execute|CheckConstraint|Index"
)


def in_code(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines and the sentences of a module that are not marked."""
    name = path.relative_to(SOURCE).as_posix()
    if name.startswith(ENGLISH) or name.endswith("/cli.py"):
        return
    yield from in_source(path.read_text("utf-8"))


def in_source(code: str) -> Iterator[tuple[int, str]]:
    """Yield the lines and the sentences of code that are not marked."""
    yield from _walk(ast.parse(code))


def _walk(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in FAMILY or ENGLISH_CALLS.match(called):
            return
        if called.endswith("Field") and node.args and isinstance(node.args[0], ast.Constant):
            yield node.lineno, str(node.args[0].value)
    if isinstance(node, ast.ClassDef) and node.name in ENGLISH_CLASSES:
        return
    body = getattr(node, "body", None)
    for child in ast.iter_child_nodes(node):
        is_docstring = (
            isinstance(child, ast.Expr)
            and isinstance(child.value, ast.Constant)
            and isinstance(body, list)
        )
        if is_docstring:
            continue
        if isinstance(child, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else GAP for part in child.values
            )
            if is_sentence(text) or re.search(r"[a-z]{2} [a-z' ]*[a-z]+[.?]?'?\s*$", text):
                yield child.lineno, ast.unparse(child)
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            if is_sentence(child.value):
                yield child.lineno, child.value
            continue
        yield from _walk(child)


def is_sentence(text: str) -> bool:
    """Whether a literal of the code is a text for people."""
    text = text.strip()
    if text.endswith((".", "?", "!")):  # it may begin with a value
        text = re.sub(rf"^'?(\{{\}}|{GAP})'?(?= [a-z])", "Value", text)
    if text in NAMES or re.search(r"[<>{}=]|SELECT|::", text.replace("{}", "")):
        return False
    return bool(re.fullmatch(r"[A-Z][a-z]*(?:[ :,'-].*)?[.?!:]?", text, re.S)) and (
        " " in text or text.endswith((".", "?", "!"))
    )


def everywhere() -> Iterator[str]:
    """Yield all unmarked texts with their file and line."""
    for path in templates():
        source = path.read_text("utf-8")
        for start, _, text in in_template(source):
            line = source.count("\n", 0, start) + 1
            shown = re.sub(r"\s+", " ", text.replace(GAP, "…"))
            yield f"{path.relative_to(ROOT)}:{line}: {re.sub('…+', '…', shown)}"
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in in_code(path):
            yield f"{path.relative_to(ROOT)}:{line}: {text}"


if __name__ == "__main__":
    for found in everywhere():
        click.echo(found)
