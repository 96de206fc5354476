"""The ``crm`` program: most of it inside this process, which is faster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quarterdeck.commands import create_group
from quarterdeck_crm import create_app
from quarterdeck_crm.cli import ENTRIES, make_program
from quarterdeck_crm.cli.watch import watch
from quarterdeck_crm.demo.users import ADMIN_EMAIL
from tests import databases
from tests.crm.conftest import PASSWORD

CREATE_ADMIN = ("user", "create", "a@example.com", "--role", "Admin", "--password-stdin")

Crm = Callable[..., Result]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a fresh shell has, and an instance folder of the test's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    settings = {"CRM_INSTANCE": str(folder), "CRM_LOGIN_HASH_MEMORY_COST": "64"}
    return kept | databases.environment(folder) | settings | more


def run_in(folder: Path) -> Crm:
    """Return a function that runs a command of the CRM on the database in a folder."""

    def run(*arguments: str, stdin: str = "", **more: str) -> Result:
        env = dict.fromkeys(os.environ) | environment(folder, **more)
        return CliRunner().invoke(make_program(create_app), list(arguments), input=stdin, env=env)

    return run


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder after ``crm db upgrade``."""
    folder = tmp_path_factory.mktemp("upgraded")
    done = run_in(folder)("db", "upgrade")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    """Run a command where there is no database yet."""
    return run_in(tmp_path)


@pytest.fixture
def ready(crm: Crm, upgraded: Path, tmp_path: Path) -> Crm:
    """Run a command where all tables are in place."""
    shutil.copytree(upgraded, tmp_path, dirs_exist_ok=True)
    if not databases.is_sqlite():
        assert crm("db", "upgrade").exit_code == 0
    return crm


def test_help_lists_the_commands(crm: Crm) -> None:
    shown = crm("--help").stdout

    for command in (
        "serve",
        "run",
        "user",
        "check",
        "routes",
        "shell",
        "db",
        "demo",
        "import",
        "token",
    ):
        assert f"\n  {command} " in shown


@pytest.mark.feature("L2")
def test_user_is_created_listed_disabled_and_enabled(ready: Crm) -> None:
    made = ready(
        *("user", "create", "Ada@Example.com", "--role", "admin", "--password-stdin"),
        stdin=f"{PASSWORD}\n",
    )
    ready(*["user", "create", "mo@example.com", "--password-stdin"], stdin=f"{PASSWORD}\n")

    assert made.stdout == "Created ada@example.com with the role Admin.\n"
    assert ready("user", "disable", "mo@example.com").stdout == "Disabled mo@example.com.\n"
    listed = [line.split() for line in ready("user", "list").stdout.splitlines()]
    assert listed == [
        ["ada@example.com", "Admin", "active", "Ada"],
        ["mo@example.com", "User", "disabled", "mo"],
    ]
    assert ready("user", "enable", "mo@example.com").exit_code == 0
    handed = ready("user", "disable", "mo@example.com", "--hand-over-to", "ada@example.com")
    assert handed.stdout == ("Disabled mo@example.com.\nGave 0 open records to ada@example.com.\n")
    refused = ready("user", "disable", "ada@example.com", "--hand-over-to", "mo@example.com")
    assert refused.exit_code == 1
    assert "mo is disabled. Choose another user." in refused.stderr


def test_the_first_administrator_brings_stages_in_the_language_of_the_installation(
    ready: Crm, tmp_path: Path
) -> None:
    made = ready(*CREATE_ADMIN, stdin=f"{PASSWORD}\n", CRM_BABEL_DEFAULT_LOCALE="de")
    assert made.exit_code == 0, made.output
    (tmp_path / "accounts.csv").write_text("code,name\nC1,Ernst Handel\n", "utf-8")
    (tmp_path / "deals.csv").write_text(
        "reference,name,account,stage\nR1,Refit,C1,Angebot gesendet\n", "utf-8"
    )
    for kind in ("accounts", "deals"):
        done = ready("import", kind, str(tmp_path / f"{kind}.csv"))
        assert done.exit_code == 0, done.output


def test_sums_are_checked_and_rebuilt(ready: Crm) -> None:
    assert ready("sums", "rebuild").stdout == "Made 0 sums from the orders.\n"
    assert ready("sums", "check").stdout == "The sums are those of the orders.\n"


@pytest.mark.feature("AP4", "L2")
def test_token_is_printed_once_listed_and_revoked(ready: Crm) -> None:
    ready(*["user", "create", "ada@example.com", "--password-stdin"], stdin=f"{PASSWORD}\n")

    secret = ready(
        *["token", "create", "ada@example.com", "--name", "Importer", "--scope", "read"]
    ).stdout.strip()
    listed = ready("token", "list").stdout

    assert secret.startswith("qd_")
    assert secret not in listed
    assert "Importer" in listed
    assert "read write" not in listed
    assert ready("token", "list", "ada@example.com").stdout == listed
    assert ready("token", "revoke", listed.split()[0]).stdout == "Revoked 'Importer'.\n"
    assert ready("token", "list").stdout == ""


def test_a_token_may_do_everything_and_never_ends_unless_told(ready: Crm) -> None:
    ready(*["user", "create", "ada@example.com", "--password-stdin"], stdin=f"{PASSWORD}\n")
    create = ["token", "create", "ada@example.com"]
    ends = {datetime.now(UTC) + timedelta(days=30)}
    ready(*create, "--name", "Forever")
    ready(*create, "--name", "Month", "--days", "30")
    ends.add(datetime.now(UTC) + timedelta(days=30))

    lines = {line.split()[-1]: line for line in ready("token", "list").stdout.splitlines()}

    assert "read write" in lines["Forever"]
    assert "never used" in lines["Forever"]
    assert "until revoked" in lines["Forever"]
    assert any(f"until {end:%Y-%m-%d}" in lines["Month"] for end in ends)
    nameless = ready(*create)
    assert nameless.exit_code == 2
    assert "Missing option '--name'" in nameless.stderr


def test_openapi_document_can_be_printed(crm: Crm) -> None:
    assert crm("openapi").stdout.startswith('{\n  "openapi": "3.0.3"')


@pytest.mark.parametrize(
    ("arguments", "stdin", "text"),
    [
        ("user create ada --password-stdin", PASSWORD, "Enter an e-mail address such as"),
        ("user create ada@example.com --password-stdin", "short", "10 to 128 characters"),
        ("user disable nobody@example.com", "", "'nobody@example.com' is nobody's address."),
        ("token create nobody@example.com --name X", "", "is nobody's address"),
        ("token revoke 7", "", "There is no such token."),
    ],
)
def test_refusals_are_one_sentence(ready: Crm, arguments: str, stdin: str, text: str) -> None:
    done = ready(*arguments.split(), stdin=stdin)

    assert done.exit_code == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("user create ada", "Enter an e-mail address such as"),
        ("user create A@example.com", "Another user has this address, or one that looks the same."),
        ("user password nobody@example.com", "'nobody@example.com' is nobody's address."),
        ("user password ada", "'ada' is nobody's address."),
    ],
)
def test_no_password_is_asked_for_in_vain(ready: Crm, arguments: str, text: str) -> None:
    ready(*CREATE_ADMIN, stdin=PASSWORD)

    done = ready(*arguments.split(), stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert done.exit_code == 1
    assert text in done.stderr
    assert "Password" not in done.output


@pytest.mark.parametrize("command", ["create ada@example.com", "password ada@example.com"])
def test_no_password_is_asked_for_without_tables(crm: Crm, command: str) -> None:
    done = crm("user", *command.split(), stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert done.exit_code == 1
    assert "crm db upgrade" in done.stderr
    assert "Password" not in done.output


def test_a_password_that_is_typed_is_taken(ready: Crm) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}\n"

    made = ready("user", "create", "ada@example.com", stdin=typed)
    changed = ready("user", "password", "ada@example.com", stdin=typed)

    assert made.stdout.endswith("Created ada@example.com with the role User.\n")
    assert changed.stdout.endswith("Changed the password of ada@example.com.\n")


@pytest.mark.parametrize("command", ["create ada@example.com", "password a@example.com"])
@pytest.mark.parametrize("guess", ["1234567890", "Password123", "Quarterdeck1"])
def test_a_password_that_is_easy_to_guess_is_refused(ready: Crm, command: str, guess: str) -> None:
    ready(*CREATE_ADMIN, stdin=PASSWORD)

    done = ready("user", *command.split(), "--password-stdin", stdin=guess)

    assert done.exit_code == 1
    assert "Choose another" in done.stderr


def test_last_administrator_cannot_be_disabled(ready: Crm) -> None:
    ready(
        *["user", "create", "a@example.com", "--role", "Admin", "--password-stdin"], stdin=PASSWORD
    )

    done = ready("user", "disable", "a@example.com")

    assert done.exit_code == 1
    assert "last active administrator" in done.stderr


@pytest.mark.parametrize("command", ["serve", "user list", "check"])
def test_missing_tables_are_named_with_the_cure(crm: Crm, command: str) -> None:
    done = crm(*command.split())

    assert done.exit_code == 1
    assert "crm db upgrade" in done.output


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://127.0.0.1:1/0", "'127.0.0.1:1' does not carry live events"),
        ("http://127.0.0.1:1/0", "'REDIS_URL' is not a Redis URL"),
    ],
)
def test_live_events_that_cannot_work_are_found_at_the_start(
    ready: Crm, command: str, url: str, sentence: str
) -> None:
    done = ready(command, REDIS_URL=url)

    assert done.exit_code == 1
    assert sentence in done.output
    assert "Traceback" not in done.output


def test_weak_production_key_is_one_sentence(crm: Crm) -> None:
    done = crm("serve", CRM_CONFIG="production", SECRET_KEY="secret")

    assert done.exit_code == 1
    assert "'SECRET_KEY' is one that everybody knows." in done.stderr
    assert "Traceback" not in done.stderr


def test_check_is_content_with_a_fresh_installation(ready: Crm) -> None:
    done = ready("check")

    assert (done.exit_code, done.stdout) == (0, "Nothing to complain about.\n")


@pytest.mark.sqlite_only
def test_check_deploy_lists_what_is_unsafe(ready: Crm) -> None:
    ready("user", "create", ADMIN_EMAIL, "--password-stdin", stdin=PASSWORD)

    done = ready("check", "--deploy", CRM_REGISTRATION_OPEN="1", CRM_DEBUG="1")

    assert done.exit_code == 1
    for text in (
        "'CRM_CONFIG' is 'development'",
        "'CRM_DEBUG'",
        "plain http",
        "'CRM_TRUSTED_HOSTS'",
        "'CRM_REGISTRATION_OPEN'",
        "SQLite",
        "demonstration users",
    ):
        assert text in done.stdout


def test_check_deploy_is_content_with_a_safe_installation(ready: Crm) -> None:
    ready(
        *["user", "create", "a@example.com", "--role", "Admin", "--password-stdin"], stdin=PASSWORD
    )

    done = ready(
        *("check", "--deploy"),
        # The MariaDB of the tests lets everybody do everything.
        CRM_CHECKS_SILENCED='["QD403", "QD404"]',
        CRM_CONFIG="production",
        SECRET_KEY="only for this test, and long enough for it",
        CRM_TRUSTED_HOSTS='["crm.example.com"]',
        CRM_LOGIN_HASH_TIME_COST="3",  # other tests run with less
        CRM_LOGIN_HASH_MEMORY_COST="65536",
    )

    said = done.stdout.splitlines()
    kinds = ("error", "warning")
    assert [line for line in said if line.startswith(kinds) and "SQLite" not in line] == []


def test_missing_extra_is_named(tmp_path: Path) -> None:
    """As in an environment where only ``quarterdeck`` itself was installed."""
    program = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "sys.argv[1:] = ['user', 'list']\n"
        "from quarterdeck_crm.__main__ import main; main()"
    )
    done = run_python(program, tmp_path)

    assert done.returncode == 1
    assert "pip install 'quarterdeck[crm]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["import", "export"])
def test_transfer_without_tables_is_one_sentence(crm: Crm, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "goods.csv"
    file.write_text("code,name,price\n1,Rope,2\n")

    done = crm(verb, "goods", str(file))

    assert done.exit_code == 1
    assert done.stderr == (
        "Error: The tables of the database are not there yet. Run 'crm db upgrade' first.\n"
    )


def run_python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=environment(folder),
    )


def test_help_imports_neither_the_app_nor_its_libraries(tmp_path: Path) -> None:
    """They take nine tenths of the time of a command."""
    slow = {"alembic", "asyncio", "faker", "quart", "quarterdeck.app", "quart_schema", "sqlalchemy"}
    program = (
        "import sys\n"
        "from quarterdeck_crm import create_app\n"
        "from quarterdeck_crm.cli import make_program\n"
        "make_program(create_app)(['--help'], standalone_mode=False)\n"
        f"sys.exit(str({slow} & sys.modules.keys() or ''))"
    )
    done = run_python(program, tmp_path)

    assert "\n  token " in done.stdout
    assert done.stderr.strip() == ""


def test_the_list_of_commands_is_that_of_the_app(tmp_path: Path) -> None:
    app = create_app("testing", INSTANCE=str(tmp_path))
    program = create_group(create_app)  # with the commands that need no app
    commands = {**app.cli.commands, "watch": watch}
    summaries = {name: each.get_short_help_str(200) for name, each in commands.items()}
    assert {name: entry.summary for name, entry in ENTRIES.items()} == {
        name: text for name, text in summaries.items() if name not in program.own
    }


def test_watching_imports_no_database(tmp_path: Path) -> None:
    """A program that only listens starts without the models, which take most of the time."""
    program = (
        "import atexit, sys\n"
        "from quarterdeck_crm.__main__ import main\n"
        "atexit.register(lambda: print('sqlalchemy' in sys.modules))\n"
        "sys.argv[1:] = ['watch', '--help']\n"
        "main()"
    )
    done = run_python(program, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "False"


def test_a_server_imports_no_library_of_other_commands(tmp_path: Path) -> None:
    """Nor does its check of the tables: they took a quarter of the start."""
    slow = {"alembic", "faker", "quart_schema", "rich"}
    program = (
        "import asyncio, sys\n"
        "from quarterdeck_crm import create_app\n"
        "from quarterdeck_crm.cli.startup import check_before_serving\n"
        "from quarterdeck_crm.errors import SchemaMismatchError\n"
        "try:\n"
        "    asyncio.run(check_before_serving(create_app()))\n"
        "except SchemaMismatchError:\n"
        f"    sys.exit(str({slow} & sys.modules.keys() or ''))"
    )
    done = run_python(program, tmp_path)

    assert done.stderr.strip() == ""


def test_nothing_is_open_before_the_workers_are_forked(tmp_path: Path) -> None:
    """A thread, an event loop or a connection would be broken, or shared, in each of them."""
    program = (
        "import asyncio, os, stat, threading\n"
        "from quarterdeck.serving.supervisor.preload import preload\n"
        "from quarterdeck_crm import create_app\n"
        "app = create_app()\n"
        "preload(app)\n"
        "print(len(app.jinja_env.cache))\n"
        "print(threading.active_count())\n"
        "print(asyncio.get_event_loop_policy()._local._loop)\n"
        "modes = [os.stat(f'/proc/self/fd/{fd}').st_mode for fd in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{fd}')]\n"
        "print(sum(map(stat.S_ISSOCK, modes)))\n"
        "print(os.listdir(app.instance_path))\n"
    )
    templates, threads, loop, sockets, files = run_python(program, tmp_path).stdout.splitlines()

    assert int(templates) > 100
    assert (threads, loop, sockets, files) == ("1", "None", "0", "['secret_key']")
