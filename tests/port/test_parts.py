"""The parts of ``quarterdeck port``: imports, requirements, refusals, proofs, and the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import libcst as cst
import pytest
from click.testing import CliRunner

from quarterdeck.commands.port import port
from quarterdeck.commands.port.discovery import find_tests
from quarterdeck.commands.port.environments import is_of_flask_migrate
from quarterdeck.commands.port.functions import find_functions
from quarterdeck.commands.port.imports import rewrite_imports
from quarterdeck.commands.port.kinds import FUNCTIONS, OPERATIONS, PROPERTIES, Kinds
from quarterdeck.commands.port.project import Project
from quarterdeck.commands.port.proof import Proof, compare_broken, compare_pages, place_in
from quarterdeck.commands.port.requirements import add_plugin, remove_plugin, rewrite_requirements
from quarterdeck.commands.port.rewriting import ABSOLUTE, CASCADE, keep_old_ways
from quarterdeck.commands.port.scan import scan
from quarterdeck.commands.port.trial import Answer, Runner, Trial

KIT = "quarterdeck[bridge]"
HOOK = "from quarterdeck.bridge import install_import_hook\ninstall_import_hook()\n\n"
APP = """\
import flask

app = flask.Flask(__name__)


@app.route("/")
def index():
    return flask.render_template_string("hello")
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from flask import g  # why", "from quarterdeck.bridge.flask import g  # why"),
        ("from flask.views import View", "from quarterdeck.bridge.flask.views import View"),
        ("import os, flask", "import os, quarterdeck.bridge.flask as flask"),
        ("import flask_login as l", "import quarterdeck.bridge.login as l"),
        (
            "from flask_wtf.csrf import CSRFProtect",
            "from quarterdeck.bridge.wtf import CSRFProtect",
        ),
        ("from flask.ext.mail import Mail", "from quarterdeck.bridge.mail import Mail"),
        ("from . import flask", "from . import flask"),
        ("from werkzeug import secure_filename", "from werkzeug.utils import secure_filename"),
        (
            "from wtforms import TextField, Form",
            "from wtforms import StringField as TextField, Form",
        ),
        (
            "from werkzeug.urls import url_parse",
            "from urllib.parse import urlparse as url_parse",
        ),
        (
            "import threading\nthreading.Thread()",
            "from quarterdeck.bridge import Thread\nimport threading\nThread()",
        ),
        (
            '"""Doc."""\nimport flask_caching',
            f'"""Doc."""\n{HOOK}import flask_caching',
        ),
        (
            "from jinja2 import Markup, Template",
            "from markupsafe import Markup\nfrom jinja2 import Template",
        ),
    ],
)
def test_imports(before: str, after: str) -> None:
    tree = rewrite_imports(cst.parse_module(before))

    assert tree.code == after
    assert rewrite_imports(tree).code == after  # twice is as once


def test_a_package_of_the_project_keeps_its_import() -> None:
    text = "import flask_things"

    assert rewrite_imports(cst.parse_module(text), ["flask_things"]).code == text


def test_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "flask==1.0\nFlask_WTF\npsycopg2-binary\nredis # r\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = [\n  "Flask>=2",  # web\n  "flask-login[x]>=1",\n  "redis",\n]\n'
        '[tool.ruff]\nknown = ["flask"]\n[tool.poetry.dependencies]\nflask = "^2"\nclick = "*"\n'
    )
    (tmp_path / "poetry.lock").touch()

    changed, findings = rewrite_requirements(tmp_path, KIT)

    assert changed == ["pyproject.toml", "requirements.txt"]
    text = (tmp_path / "requirements.txt").read_text()
    assert text == f"{KIT}\nquarterdeck[postgresql]\nredis # r\n"
    assert (tmp_path / "pyproject.toml").read_text() == (
        f'[project]\ndependencies = [\n  "{KIT}",  # web\n  "redis",\n]\n'
        '[tool.ruff]\nknown = ["flask"]\n[tool.poetry.dependencies]\n'
        'quarterdeck = {version = "*", extras = ["bridge"]}\n'
    )
    assert [finding.path for finding in findings] == ["poetry.lock"]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\n", "[pytest]\naddopts = -p quarterdeck.bridge.testing\n"),
        (
            "setup.cfg",
            "[tool:pytest]\naddopts = -q\n",
            "[tool:pytest]\naddopts = -p quarterdeck.bridge.testing -q\n",
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = ["-q"]\n',
            '[tool.pytest.ini_options]\naddopts = ["-p", "quarterdeck.bridge.testing", "-q"]\n',
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = "-q"\n[tool.x]\n',
            '[tool.pytest.ini_options]\naddopts = "-p quarterdeck.bridge.testing -q"\n[tool.x]\n',
        ),
    ],
)
def test_the_plugin_comes_and_goes(tmp_path: Path, name: str, before: str, after: str) -> None:
    (tmp_path / name).write_text(before)

    assert add_plugin(tmp_path) == name
    assert (tmp_path / name).read_text() == after
    remove_plugin(tmp_path)
    assert "bridge" not in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({"a.py": "import os\n"}, [], "imports Flask"),
        ({"a.py": APP}, [], "is not in a git repository. Commit the changes"),
        ({"a.py": APP}, ["--out", "."], "is not empty"),
        ({"a.py": APP}, ["--check", "--tests", "nose"], "'nose' does not run pytest"),
        ({"a.py": APP}, ["--check", "--python", "no/python"], "is no program"),
        ({"a.py": APP}, ["--check", "--python", "."], "is no program"),
        ({"a.py": APP}, ["--check", "--report", "no/r.txt"], "Make it first"),
        ({"a.py": APP}, ["--check", "--app", "a"], "MODULE:APP"),
    ],
)
def test_refusals(
    tmp_path: Path, files: dict[str, str], arguments: list[str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = [str(tmp_path) if word == "." else word for word in arguments]

    result = CliRunner().invoke(port, [str(tmp_path), *words])

    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.replace("│", "").split())


def test_a_project_with_open_changes_stays(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "a.py").write_text(APP)

    result = CliRunner().invoke(port, [str(tmp_path)])

    assert result.exit_code == 1
    assert "git reports 1 changed files. Commit the changes" in result.output


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"tests/test_a.py": "def test_a(): pass"}, []),
        ({"tests.py": "def test_a(): pass"}, ["tests.py"]),
        ({"tests/conftest.py": "@fixture\ndef testapp(): pass"}, None),
        (
            {
                "tests/test_a.py": "def test_a(): pass",
                "tests/conftest.py": "@pytest.yield_fixture()\ndef testapp(): pass",
            },
            [],
        ),
    ],
)
def test_the_tests_are_found(
    tmp_path: Path, files: dict[str, str], arguments: list[str] | None
) -> None:
    (tmp_path / "tests").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert find_tests(Project(tmp_path)) == arguments


def test_the_line_of_a_traceback_that_belongs_to_the_project() -> None:
    message = "tests/a.py:1: in f\n    g()\napp/b.py:22: in g\n    x()\nlib/c.py:9: KeyError\n"

    assert place_in(message, {"tests/a.py", "app/b.py"}) == ("app/b.py", 22)
    assert place_in("", {"app/b.py"}) is None


def test_a_long_chain_is_examined_in_time(tmp_path: Path) -> None:
    """Each part asks for the kind of the part before it, which once took twice the time."""
    chain = "Post.query" + ".filter(1)" * 60 + ".all()"
    model = "import flask_sqlalchemy\ndb = flask_sqlalchemy.SQLAlchemy()\n"
    view = f"class Post(db.Model): pass\n@app.route('/')\ndef view():\n    return {chain}\n"
    (tmp_path / "a.py").write_text(f"{model}{view}")

    (function,) = find_functions(Kinds(Project(tmp_path)))

    assert len(function.awaits) == 1


def test_old_versions_keep_their_ways() -> None:
    text = "def make():\n    app = Flask(\n        __name__)\n    return app\nx = flask.Flask('x')"

    assert keep_old_ways("app = Flask()\n", [CASCADE]).endswith(
        "app.config['BRIDGE_CASCADE_BACKREFS'] = True  # as before SQLAlchemy 2\n"
    )
    assert keep_old_ways(text, [ABSOLUTE]) == (
        "def make():\n    app = Flask(\n        __name__)\n"
        "    app.config['BRIDGE_ABSOLUTE_LOCATION'] = True  # as before Werkzeug 2.1\n"
        "    return app\nx = flask.Flask('x')\n"
        "x.config['BRIDGE_ABSOLUTE_LOCATION'] = True  # as before Werkzeug 2.1\n"
    )


def test_a_file_that_python_cannot_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'two'\n")
    (tmp_path / "latin.py").write_bytes(b"a = '\xe4'\n")

    findings = [str(each) for each in scan(Project(tmp_path))]

    assert len(findings) == 2
    assert findings[1].startswith("old.py:1: Python cannot read the file: Missing parentheses")


ENVIRONMENT = """\
from flask import current_app
from alembic import context
def run_migrations_online():
    conf_args = current_app.extensions["migrate"].configure_args
    context.configure(connection=1, target_metadata=2, **conf_args)
run_migrations_online()
"""


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        (ENVIRONMENT, True),
        (ENVIRONMENT.replace("target_metadata=2", "include_schemas=True"), False),
        (f"{ENVIRONMENT}from app.models import Base\n", False),
        (f"{ENVIRONMENT}def include_object():\n    return True\n", False),
        (ENVIRONMENT.replace("current_app", "app"), False),
    ],
)
def test_the_environment_of_flask_migrate_needs_no_person(
    tmp_path: Path, text: str, is_whole: bool
) -> None:
    (tmp_path / "env.py").write_text(text)

    assert is_of_flask_migrate(text) is is_whole
    assert bool(scan(Project(tmp_path))) is not is_whole


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("import os\nfrom celery import Celery\n", 2, "'celery' blocks the loop. Keep the worker"),
        ("from flask_socketio import SocketIO\n", 1, "Use '@app.websocket', or"),
        (
            "from flask import request\ndef f():\n    return request.environ\n",
            3,
            "'request.environ' belongs to WSGI. It is a copy",
        ),
        ("app.wsgi_app = Middleware(app.wsgi_app)\n", 1, "WSGI middleware sees requests only"),
        ("import requests\ndef f():\n    requests.get('x')\n", 3, "'requests.get' blocks"),
    ],
)
def test_the_report_names_the_line_and_the_cure(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    (tmp_path / "a.py").write_text(text)

    (finding,) = scan(Project(tmp_path))

    assert str(finding).startswith(f"a.py:{line}: ")
    assert words in str(finding)
    assert finding.cure


def test_pages_that_differ_are_named() -> None:
    key = ("t", "stranger", "/")
    before = Trial(pages={key: Answer(200, "<p>a  b</p><script>1</script>", "")})
    same = Trial(pages={key: Answer(200, "<b>a</b> b", "")})
    other = Trial(pages={key: Answer(200, "<p>a c</p>", "")})

    assert compare_pages(before, [], same).is_equal
    assert compare_pages(before, [before], other).differences == [
        "/ (stranger, after t): 'b' before, 'c' now"
    ]
    assert compare_pages(
        before, [before, other], other
    ).is_equal  # not stable: only the status counts
    assert not compare_pages(before, [], Trial()).is_equal


def test_tests_that_notice_nothing_are_no_proof_of_the_same() -> None:
    passed, failed = Trial(outcomes={"t": "passed"}), Trial(outcomes={"t": "failed"})

    assert compare_broken(failed, failed, passed).is_equal
    assert compare_broken(failed, passed, passed).differences == ["t fails only in the original"]
    assert not Proof("Nothing", 0).is_equal


def test_the_operations_are_those_of_the_bridge() -> None:
    """An ``await`` before anything else would fail in code that no test runs."""
    from quarterdeck.bridge import flask
    from quarterdeck.bridge.flask.testing import FlaskClient
    from quarterdeck.bridge.sqlalchemy import Query, ScopedSession, SQLAlchemy
    from quarterdeck.bridge.wtf import FlaskForm

    classes = {
        "client": FlaskClient,
        "db": SQLAlchemy,
        "form": FlaskForm,
        "query": Query,
        "request": flask.Request,
        "session": ScopedSession,
    }
    missing = [
        (kind, name)
        for kind, place in classes.items()
        for name in OPERATIONS[kind]
        if not hasattr(getattr(place, name), "__wrapped__")
    ]
    missing += [
        ("request", name)
        for name in PROPERTIES["request"]
        if not hasattr(getattr(flask.Request, name).fget, "__wrapped__")
    ]
    missing += [
        ("flask", name)
        for name in FUNCTIONS
        if not hasattr(getattr(flask, name.rpartition(".")[2]), "__wrapped__")
    ]
    assert missing == []


def test_a_test_that_does_not_end_is_stopped_and_the_others_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "lib.py").write_text(
        "import threading\n\n\ndef forever():\n    threading.Event().wait()\n"
    )
    (tmp_path / "test_a.py").write_text(
        "import lib\n\n\ndef test_first():\n    pass\n\n\n"
        "def test_hangs():\n    lib.forever()\n\n\ndef test_last():\n    pass\n"
    )

    trial = Runner(sys.executable, [], bridged=False, patience=2).run(tmp_path)

    assert trial.passed == {"test_a.py::test_first", "test_a.py::test_last"}
    message = trial.messages["test_a.py::test_hangs"]
    assert message == "It did not end within 2 s: 'forever' (lib.py:5) waited."


@pytest.mark.timeout(200)
def test_a_project_without_tests_is_crawled(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "app.py").write_text(APP)
    os.mkfifo(tmp_path / "old" / "pipe")  # cannot be copied
    out = tmp_path / "new"

    result = CliRunner().invoke(
        port, [str(tmp_path / "old"), "--out", str(out), "--python", sys.executable]
    )

    assert result.exit_code == 0, result.output
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new", "old"]
    assert not (out / "pipe").exists()
    assert "GET rules answer the same: equal (1 compared)" in result.output
    text = (out / "app.py").read_text()
    assert "import quarterdeck.bridge.flask as flask" in text
    assert "async def index():\n    return await flask.render_template_string" in text


@pytest.mark.timeout(200)
def test_a_project_on_which_nothing_waits_leaves_the_bridge(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "app.py").write_text(
        "from quarterdeck.bridge.flask import Flask, request\n\napp = Flask(__name__)\n\n\n"
        '@app.post("/")\nasync def index():\n    return (await request.form)["n"]\n'
    )
    (old / "test_app.py").write_text(
        "from app import app\n\n\nasync def test_index():\n"
        '    response = await app.test_client().post("/", form={"n": "y"})\n'
        '    assert await response.get_data() == b"y"\n'
    )
    (old / "pytest.ini").write_text("[pytest]\naddopts = -p quarterdeck.bridge.testing\n")

    result = CliRunner().invoke(port, [str(old), "--finish", "--out", str(new)])

    assert result.exit_code == 0, result.output
    assert (
        (new / "app.py")
        .read_text()
        .startswith("from quarterdeck.app import Quart as Flask\nfrom quart import request\n")
    )
    assert (new / "pytest.ini").read_text() == "[pytest]\nasyncio_mode = auto\n"
