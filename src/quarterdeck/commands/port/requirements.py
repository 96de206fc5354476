"""The requirements and the pytest settings of a project, after its move to the bridge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .findings import Finding
from .imports import ROOMS
from .project import SKIPPED, read, write

PLUGIN = "quarterdeck.bridge.testing"
# Packages that come with the kit, in versions that it needs: old pins would contradict them.
COME_WITH_THE_KIT = {
    "alembic",
    "blinker",
    "bootstrap-flask",
    "click",
    "flask",
    "flask-bootstrap",
    "flask-login",
    "flask-mail",
    "flask-migrate",
    "flask-moment",
    "flask-session",
    "flask-sqlalchemy",
    "flask-wtf",
    "greenlet",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "sqlalchemy",
    "typing-extensions",
    "werkzeug",
    "wtforms",
}
# Synchronous drivers, and the extra that has an asynchronous one.
DRIVERS = {
    "mysqlclient": "mysql",
    "psycopg2": "postgresql",
    "psycopg2-binary": "postgresql",
    "pymysql": "mysql",
}
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LOCKS = {
    "Pipfile.lock": "pipenv lock",
    "pdm.lock": "pdm lock",
    "poetry.lock": "poetry lock",
    "uv.lock": "uv lock",
}


def extras_of(packages: Iterable[str]) -> str:
    """Return the requirement of the kit for the packages that a project imports."""
    extras = {"bridge"} | {ROOMS[name] for name in packages if name in ROOMS}
    return f"quarterdeck[{','.join(sorted(extras - {'flask', 'moment', 'session'}))}]"


def rewrite_requirements(root: Path, kit: str) -> tuple[list[str], list[Finding]]:
    """Replace the packages that the kit brings in all lists of requirements.

    Returns:
        The files that changed, and the places that need a person.
    """
    changed, findings = [], []
    for path in _lists(root):
        text = read(path)
        name = path.relative_to(root).as_posix()
        if "--hash=" in text:
            cure = "Make it again from the changed requirements with the tool that wrote it."
            findings.append(Finding(name, 0, "The file pins packages with hashes.", cure))
            continue
        new = _lines(text, kit) if path.suffix == ".txt" else _toml(text, kit)
        if new != text:
            write(path, new)
            changed.append(name)
    for name, command in LOCKS.items():
        if (root / name).exists():
            problem = "The lock file names the packages of Flask."
            findings.append(Finding(name, 0, problem, f"Run '{command}'."))
    return changed, findings


def _lists(root: Path) -> list[Path]:
    found = [
        root / "pyproject.toml",
        root / "Pipfile",
        *root.glob("*requirements*.txt"),
        *root.glob("requirements/*.txt"),
    ]
    return [path for path in found if path.is_file() and not SKIPPED.intersection(path.parts)]


def normal(name: str) -> str:
    """Return the name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(text: str, kit: str) -> str:
    """Return the lines of a requirements.txt."""
    lines, is_written = [], False
    for line in text.splitlines(keepends=True):
        match = _REQUIREMENT.match(line.strip())
        name = normal(match[0]) if match else ""
        if name in COME_WITH_THE_KIT or name in DRIVERS:
            end = line[len(line.rstrip("\r\n")) :]
            if name == "flask" and not is_written:
                lines.append(f"{kit}{end}")
                is_written = True
            elif name in DRIVERS:
                lines.append(f"quarterdeck[{DRIVERS[name]}]{end}")
        else:
            lines.append(line)
    return "".join(lines)


_NAMES = "|".join(sorted({*COME_WITH_THE_KIT, *DRIVERS}, key=len, reverse=True))
_PACKAGE = rf"(?P<name>{_NAMES.replace('-', '[-_.]')})"
# 'dependencies = ["flask>=3", "click"]'; a bracket may be part of a quoted text.
_ARRAY = re.compile(r"^([\w-]+)\s*=\s*\[(?:[^\[\]\"']|\"[^\"\n]*\"|'[^'\n]*')*\]", re.MULTILINE)
_ELEMENT = re.compile(
    rf"(?P<before>\s*)(?P<quote>[\"']){_PACKAGE}(?:\[[^\]]*\])?\s*(?:[<>=!~;@ (][^\"']*)?(?P=quote)"
    r"(?P<after>,?)",
    re.IGNORECASE,
)
# 'flask = "^3.0"' in a table of Poetry or of a Pipfile.
_TABLE = re.compile(
    r"^\[(?:tool\.poetry\.(?:[\w.-]+\.)?)?(?:dependencies|dev-dependencies|packages|dev-packages)\]"
    r"\n(?:(?!\[).*\n?)*",
    re.MULTILINE,
)
_ROW = re.compile(rf"^{_PACKAGE}\s*=.*\n?", re.MULTILINE | re.IGNORECASE)
_SECTION = re.compile(r"^\[([^\[\]\n]+)\][^\n]*\n(?:(?!\[[^\[\]\n]+\]\s*$).*\n?)*", re.MULTILINE)


def _toml(text: str, kit: str) -> str:
    """Return a pyproject.toml or a Pipfile that names the kit."""

    def element(match: re.Match[str]) -> str:
        new = _replacement(match["name"], kit)
        return (
            f"{match['before']}{match['quote']}{new}{match['quote']}{match['after']}" if new else ""
        )

    def section(match: re.Match[str]) -> str:
        lists_groups = bool(
            re.search(r"(optional-dependencies|dependency-groups|dev-dependencies)$", match[1])
        )

        def array(found: re.Match[str]) -> str:
            is_list = lists_groups or found[1] in ("dependencies", "dev-dependencies")
            return _ELEMENT.sub(element, found[0]) if is_list else found[0]

        return _ARRAY.sub(array, match[0])

    def row(match: re.Match[str]) -> str:
        new = _replacement(match["name"], kit)
        if not new:
            return ""
        extras = ", ".join(f'"{each}"' for each in new.partition("[")[2].rstrip("]").split(","))
        return f'quarterdeck = {{version = "*", extras = [{extras}]}}\n'

    text = _SECTION.sub(section, text)
    return _TABLE.sub(lambda match: _ROW.sub(row, match[0]), text)


def _replacement(package: str, kit: str) -> str:
    name = normal(package)
    if name == "flask":
        return kit
    return f"quarterdeck[{DRIVERS[name]}]" if name in DRIVERS else ""


def add_plugin(root: Path) -> str:
    """Let pytest load the plugin of the bridge; return the file that has the setting."""
    option = f"-p {PLUGIN}"
    for name, section in _SETTINGS:
        path = root / name
        if not path.is_file():
            continue
        text = read(path)
        header = re.search(rf"^\[{re.escape(section)}\][^\n]*\n", text, re.MULTILINE)
        if header is None and name != "pytest.ini":
            continue
        if option in text:
            return name
        write(path, _with_option(text, header, option, is_toml=name.endswith(".toml")))
        return name
    write(root / "pytest.ini", f"[pytest]\naddopts = {option}\n")
    return "pytest.ini"


_SETTINGS = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool.pytest.ini_options"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)


def _with_option(text: str, header: re.Match[str] | None, option: str, *, is_toml: bool) -> str:
    if header is None:  # an empty pytest.ini is valid
        return f"[pytest]\naddopts = {option}\n{text}"
    end = re.search(r"^\[", text[header.end() :], re.MULTILINE)
    stop = header.end() + end.start() if end else len(text)
    section = text[header.end() : stop]
    old = re.search(r"^addopts\s*=[ \t]*", section, re.MULTILINE)
    if old is None:
        line = f'addopts = "{option}"\n' if is_toml else f"addopts = {option}\n"
        return text[: header.end()] + line + text[header.end() :]
    place = header.end() + old.end()
    rest = text[place:]
    if is_toml and rest.startswith("["):
        return f'{text[:place]}["-p", "{PLUGIN}", {rest[1:]}'
    if is_toml:
        quotes = 3 if rest.startswith(('"""', "'''")) else 1
        return f"{text[:place]}{rest[:quotes]}{option} {rest[quotes:]}"
    return f"{text[:place]}{option} {rest}"


def remove_plugin(root: Path) -> list[str]:
    """Let pytest-asyncio run the async tests instead of the bridge; return the changed files."""
    changed = []
    for name, _ in _SETTINGS:
        path = root / name
        if not path.is_file() or PLUGIN not in (text := read(path)):
            continue
        is_toml = name.endswith(".toml")
        mode = 'asyncio_mode = "auto"' if is_toml else "asyncio_mode = auto"
        new = re.sub(
            rf'^addopts = "?-p {re.escape(PLUGIN)}"?$', mode, text, count=1, flags=re.MULTILINE
        )
        if new == text:
            new = text.replace(f'"-p", "{PLUGIN}", ', "").replace(f"-p {PLUGIN} ", "")
            new = re.sub(r"^addopts", f"{mode}\naddopts", new, count=1, flags=re.MULTILINE)
        write(path, new)
        changed.append(name)
    return changed
