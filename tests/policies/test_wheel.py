"""The built wheel, away from the checkout: the CRM runs from any folder, the kit imports alone."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quarterdeck.commands import new

ROOT = Path(__file__).parents[2]
CRM = "from quarterdeck_crm.__main__ import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel's content, as pip would unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def environment(installed: Path) -> dict[str, str]:
    """Return an environment in which the wheel's packages come before the checkout's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    return kept | {"PYTHONPATH": str(installed)}


def crm(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CRM, *words],
        cwd=folder,
        env=environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def served(installed: Path, folder: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-c", CRM, "serve", "--bind", "127.0.0.1:0"],
        cwd=folder,
        env=environment(installed),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", said)):
        line = process.stderr.readline()
        assert line, f"the server stopped: {said}"
        said += line
    yield int(found.group(1))
    process.terminate()
    assert process.wait(20) == 0
    process.stderr.close()


def fetch(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


@pytest.mark.feature("AP7")
@pytest.mark.timeout(180)  # it compiles all modules and makes a whole database
def test_demo_and_serve_work_from_any_folder(installed: Path, tmp_path: Path) -> None:
    done = crm(installed, tmp_path, "demo", "--orders", "20")
    assert done.returncode == 0, done.stderr
    assert "Sign in as admin@quarterdeck.example" in done.stdout

    with served(installed, tmp_path) as port:
        status, page = fetch(port, "/auth/login")
        assert status == 200
        assets = re.findall(r'(?:href|src)="(/[^"#]*\.(?:css|js|svg)[^"#]*)', page)
        assert len(assets) > 5
        assert {fetch(port, asset)[0] for asset in assets} == {200}
    assert (tmp_path / "instance" / "crm.sqlite3").exists()


# Stands in for an environment in which the packages in 'hidden' are not installed.
ALONE = """
import importlib, sys
hidden = set()
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
"""
EXTRAS = {
    "aiosmtplib",
    "alembic",
    "aiosqlite",
    "bootstrap",
    "dotenv",
    "email_validator",
    "faker",
    "flask_bootstrap",
}
EXTRAS |= {"apscheduler", "tzlocal"}
EXTRAS |= {"pwdlib", "rich", "sqlalchemy", "wtforms", "uvloop", "redis", "pymongo", "emcache"}
WITHOUT_EXTRAS = f"{ALONE}\nhidden = {EXTRAS!r}\n"


def python(installed: Path, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_kit_imports_without_any_extra(installed: Path, tmp_path: Path) -> None:
    rooms = ("app", "routing", "commands", "moment", "serving", "session", "sockets", "testing")
    code = WITHOUT_EXTRAS + "\n".join(f"import quarterdeck.{room}" for room in rooms)
    done = python(installed, tmp_path, code)
    assert done.returncode == 0, done.stderr


def test_crm_without_its_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    done = python(installed, tmp_path, f"{WITHOUT_EXTRAS}sys.argv = ['crm', 'serve']\n{CRM}")
    assert done.returncode == 1
    assert "pip install 'quarterdeck[crm]'" in done.stderr
    assert "Traceback" not in done.stderr


# What to import without which package, and the extra that the error names.
MISSING = [
    ("sqlalchemy", "sqlalchemy", "sqlalchemy"),
    ("sqlalchemy", "greenlet", "sqlalchemy"),
    ("sqlalchemy", "aiosqlite", "sqlalchemy"),
    ("migrate", "alembic", "migrate"),
    ("wtf", "wtforms", "wtf"),
    ("wtf", "email_validator", "wtf"),
    ("bootstrap", "wtforms", "bootstrap"),
    ("mail", "aiosmtplib", "mail"),
    ("mail", "email_validator", "mail"),
    ("login", "pwdlib", "login"),
    ("login", "argon2", "login"),
    ("apscheduler", "apscheduler", "scheduler"),
    ("sockets.client", "websockets", "client"),
    ("security.limits", "limits", "limits"),
]
NAME_THE_EXTRA = """
for room, package, extra in {missing!r}:
    hidden = {{package}}
    for name in [name for name in sys.modules if name.startswith(("quarterdeck", package))]:
        del sys.modules[name]
    try:
        importlib.import_module("quarterdeck." + room)
    except ModuleNotFoundError as error:
        print(error)
    else:
        print("imported", room, "without", package)
"""


def test_a_missing_extra_is_named_with_its_command(installed: Path, tmp_path: Path) -> None:
    code = ALONE + NAME_THE_EXTRA.format(missing=MISSING)
    done = python(installed, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"'{package}' is not installed. Install it with: pip install 'quarterdeck[{extra}]'"
        for _, package, extra in MISSING
    ]


DRIVERS = """
hidden = {"aiomysql", "asyncmy", "pymysql", "asyncpg"}
from quart import Quart
from quarterdeck.sqlalchemy import SQLAlchemy
for scheme in ("mysql+aiomysql", "mysql+asyncmy", "postgresql"):
    try:
        app = Quart("shop")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"{scheme}://user@localhost/shop"
        SQLAlchemy(app)
    except ModuleNotFoundError as error:
        print(error)
"""


def test_a_missing_driver_is_named_with_its_command(installed: Path, tmp_path: Path) -> None:
    done = python(installed, tmp_path, ALONE + DRIVERS)
    assert done.stdout.splitlines() == [
        f"'{driver}' is not installed. Install it with: pip install 'quarterdeck[{extra}]'"
        for driver, extra in (
            ("aiomysql", "mysql"),
            ("asyncmy", "mysql"),
            ("asyncpg", "postgresql"),
        )
    ], done.stderr


def test_a_new_app_can_be_made(installed: Path, tmp_path: Path) -> None:
    """From the skeleton in the wheel, which has the same files as the one in the repository."""
    code = "from quarterdeck.commands.main import main; main(['new', 'harbour'])"
    assert python(installed, tmp_path, code).returncode == 0
    assert (tmp_path / "harbour" / "harbour" / "__init__.py").is_file()
    packed, kept = installed / "quarterdeck" / "_skeleton", ROOT / "examples" / "tutorial" / "step8"
    names = [{str(path.relative_to(top)) for path in new.files_of(top)} for top in (packed, kept)]
    assert names[0] == names[1]
    assert names[0] >= {".env.example", ".gitignore", "noticeboard/templates/base.html"}


def test_each_extra_is_declared_in_the_wheel(installed: Path) -> None:
    """And no error names another one."""
    (metadata,) = installed.glob("*.dist-info/METADATA")
    declared = set(re.findall(r"^Provides-Extra: (\S+)", metadata.read_text("utf-8"), re.MULTILINE))
    named = set()
    for path in installed.rglob("*.py"):
        named |= set(re.findall(r"quarterdeck\[(\w+)\]|needs\(\"(\w+)\"", path.read_text("utf-8")))
    assert {one or other for one, other in named} <= declared
