"""Every room works alone: an example in a plain Quart app, and no other room comes along."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# The example of each room in which no other room is imported; tests/examples serves it.
EXAMPLE_OF = {
    "app": "hello",
    "apscheduler": "scheduler",
    "babel": "languages",
    "bootstrap": None,  # its page has a form
    "bridge": None,  # its example needs a database
    "checks": "checks",
    "compress": None,  # one line, in docs/compress.md
    "commands": "commands",
    "health": "health",
    "logging": "logs",
    "login": "login",
    "mail": None,  # its outbox is in a database
    "metrics": "metrics",
    "migrate": "migrate",
    "moment": "moment",
    "otel": "traces",
    "routing": None,  # its example is about the app, which registers the converters
    "security": "security",
    "session": "session_stores",
    "sockets": "chat",
    "sqlalchemy": "database",
    "wtf": "forms",
}
ALLOWED = {"app": {"routing"}, "migrate": {"sqlalchemy"}}


def rooms_in(source: str) -> set[str]:
    """Return the rooms that a program imports from."""
    names = [
        node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)
    ]
    return {name.split(".")[1] for name in names if name and name.startswith("quarterdeck.")}


@pytest.mark.parametrize("room", [room for room, example in EXAMPLE_OF.items() if example])
def test_the_example_of_a_room_needs_no_other_one(room: str) -> None:
    source = (EXAMPLES / f"{EXAMPLE_OF[room]}.py").read_text("utf-8")

    assert rooms_in(source) - ALLOWED.get(room, set()) == {room}
    assert room == "app" or "from quart import Quart" in source


@pytest.mark.parametrize("room", EXAMPLE_OF)
def test_a_room_brings_no_other_room_along(room: str) -> None:
    """So that each needs only its own extra."""
    code = (
        f"import sys, quarterdeck.{room};"
        "print(*{m.split('.')[1] for m in sys.modules if m.startswith('quarterdeck.')})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    rooms = set(done.stdout.split()) & EXAMPLE_OF.keys()
    assert rooms - {room} == ALLOWED.get(room, set())
