"""``quarterdeck port`` moves the twelve apps in ``apps``, and their own tests pass afterwards.

One run ports all of them, because each start of pytest costs a second.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quarterdeck.commands.port import port
from quarterdeck.commands.port.trial import Runner

pytestmark = pytest.mark.timeout(400)

APPS = Path(__file__).parent / "apps"


@dataclass
class Moved:
    """The ported project and the report."""

    folder: Path
    result: Result
    report: str

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def section(self, title: str) -> str:
        return self.report.split(f"\n{title}\n")[1].split("\n\n")[0]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(port, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Moved:
    folder = tmp_path_factory.mktemp("port")
    out, report = folder / "out", folder / "report.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugins here cost a second each
        result = run(APPS, "--out", out, "--report", report, "--python", sys.executable)
    assert report.exists(), result.output
    return Moved(out, result, report.read_text("utf-8"))


def test_the_tests_and_the_proofs_agree(moved: Moved) -> None:
    proofs = moved.section("PROOFS")

    assert "45 of 45 tests pass as before." in moved.report
    assert len(re.findall(": equal", proofs)) == 3, proofs
    assert re.search(r"the same tests fail: equal \(\d\d compared\)", proofs)
    assert re.search(r"GET rules answer the same: equal \(\d\d+ compared\)", proofs)


def test_original_stays(moved: Moved) -> None:
    assert "flask" in (APPS / "notes" / "views.py").read_text("utf-8")
    assert not list(APPS.rglob("*.pyc"))
    assert "import" in moved.text("notes/views.py")


def test_views_and_tests_are_async_and_keep_their_form(moved: Moved) -> None:
    views = moved.text("notes/views.py")

    assert '        user = User.named((await request.form)["name"])  # a comment stays\n' in views
    assert "async def login():\n" in views
    assert "    if await form.validate_on_submit():\n" in views
    assert "note=await Note.query.get_or_404(key))" in views
    assert "from quarterdeck.bridge.flask import (\n    Blueprint,\n    flash,\n" in views
    assert "    async def put(self, key):\n" in moved.text("blog/__init__.py")
    assert "        async with app.test_client() as c:\n" in moved.text("hooks/test_hooks.py")
    assert "response = await client.post(" in moved.text("notes/test_notes.py")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("notes/models.py", "    def note_count(self):"),
        ("notes/views.py", "    def validate_text(self, field):"),
        ("notes/__init__.py", "    def add_user(name):"),
        ("poll/__init__.py", "def results():"),
        ("poll/test_poll.py", "    def setUp(self):"),
        ("guarded/__init__.py", "def loud():"),
        ("guarded/__init__.py", "def mapped():"),
        ("guestbook/__init__.py", "def slugify(mapper, connection, target):"),
    ],
)
def test_these_stay_plain(moved: Moved, name: str, line: str) -> None:
    assert f"{line}\n" in moved.text(name)


def test_a_view_whose_decorator_needs_the_result_goes_back(moved: Moved) -> None:
    bridge = moved.section("DONE WITH BRIDGE")

    assert re.search(r"guarded/__init__.py:\d+ loud: A test failed when it was async\.", bridge)
    assert "async def secret():" in moved.text("guarded/__init__.py")


def test_a_view_that_only_the_crawl_reads_is_async(moved: Moved) -> None:
    assert "async def never_tested():" in moved.text("guestbook/__init__.py")


def test_the_report_names_waits_and_their_cures(moved: Moved) -> None:
    bridge = moved.section("DONE WITH BRIDGE")

    assert "notes/models.py:18 Query.first" in bridge
    assert "selectinload(Post.comments)" in bridge


def test_what_needs_a_person_is_named_with_place_and_cure(moved: Moved) -> None:
    needs = moved.section("NEEDS YOU")

    assert moved.result.exit_code == 1
    line = (APPS / "hooks" / "__init__.py").read_text("utf-8").split("time.sleep")[0].count(
        "\n"
    ) + 1
    assert f"hooks/__init__.py:{line}: 'time.sleep' blocks the event loop." in needs
    assert "hooks/__init__.py:12: WSGI middleware" in needs
    assert "'sqlite3.connect'" in needs
    assert "'request.environ' belongs to WSGI." in needs
    assert "The response is a stream." in needs


def test_requirements_and_settings_name_the_kit(moved: Moved) -> None:
    assert moved.text("requirements.txt") == (
        "quarterdeck[bridge,login,sqlalchemy,wtf]\n# for development\npytest\n"
    )
    assert moved.text("pytest.ini") == "[pytest]\naddopts = -p quarterdeck.bridge.testing -q\n"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("notes/views.py", "await render_template", "render_template"),
        ("notes/test_notes.py", "await client.post", "client.post"),
    ],
)
def test_a_removed_await_is_noticed(
    moved: Moved, tmp_path: Path, name: str, old: str, new: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(moved.folder, copy)
    text = (copy / name).read_text("utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new), "utf-8")

    trial = Runner(sys.executable, ["notes"], bridged=True).run(copy)

    assert trial.failed
