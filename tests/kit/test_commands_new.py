"""``quarterdeck new``: the app that it makes passes its own tests, and serves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from quarterdeck.commands.new import files_of, new
from quarterdeck.commands.origin import requirement_of
from tests.servers import Server, free_port, running

pytestmark = pytest.mark.feature("AP1", "AP7")


def run(folder: Path, *words: str, code: int = 0, **more: str) -> str:
    """Run a module of Python in a folder; ``more`` are environment variables."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HARBOUR_")}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=kept | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    assert "Made 'harbour'." in run(folder, "quarterdeck", "new", "harbour")
    run(folder / "harbour", "harbour", "db", "upgrade")
    return folder / "harbour"


def test_nothing_is_left_of_the_other_name(made: Path) -> None:
    files = {path.relative_to(made).as_posix(): path.read_text("utf-8") for path in files_of(made)}

    assert files.keys() > {
        ".gitignore",
        ".env.example",
        "Makefile",
        "Dockerfile",
        "harbour/__init__.py",
    }
    assert "deploy/harbour.service" in files
    assert [name for name, text in files.items() if "noticeboard" in (name + text).lower()] == []
    secrets = (made / ".env").read_text("utf-8")
    assert re.search(r"^HARBOUR_SECRET_KEY=[0-9a-f]{64}$", secrets, re.M)
    assert (made / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.feature("AP5")
def test_its_own_tests_pass(made: Path) -> None:
    assert "8 passed" in run(made, "pytest", "-p", "no:schemathesis", "-p", "no:cacheprovider")


def test_it_serves(made: Path) -> None:
    port = free_port()
    serve = f"{sys.executable} -m quarterdeck serve 'harbour:create_app()' --bind 127.0.0.1:{port}"
    with (
        running(Server(["sh", "-c", f"cd {made} && exec {serve}"], port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser,
    ):
        assert browser.get("/health/ready").json()["status"] == "ready"
        page = browser.get("/")
        assert (page.url.path, "Sign in" in page.text) == ("/sign-in", True)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_settings_for_a_server_pass_the_checks(made: Path) -> None:
    """Those that '.env.example' lists; a SQLite file is right for one machine."""
    listed = re.findall(r"^# (HARBOUR_\w+)=(.+)$", (made / ".env.example").read_text("utf-8"), re.M)
    assert len(listed) == 6
    words = ("quarterdeck", "check", "harbour:create_app()", "--deploy")

    assert "QD013" in run(made, *words, code=1)
    found = run(made, *words, "--fail-level", "error", **dict(listed))
    assert re.findall(r"QD\d+", found) == ["QD401"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Harbour", "'Harbour' cannot name a Python package."),
        ("class", "'class' cannot name a Python package."),
        ("json", "'json' is the name of another module."),
        ("../harbour", "cannot name a Python package"),
    ],
)
def test_other_names_are_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(new, [name])

    assert done.exit_code == 2
    assert message in done.output
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        ({"url": "file:///srv/kit", "dir_info": {"editable": True}}, "file:///srv/kit"),
        ({"url": "https://example.com/kit.whl", "archive_info": {}}, "https://example.com/kit.whl"),
        (
            {
                "url": "https://example.com/kit.git",
                "vcs_info": {"vcs": "git", "commit_id": "1a2b"},
                "subdirectory": "python",
            },
            "git+https://example.com/kit.git@1a2b#subdirectory=python",
        ),
    ],
)
def test_the_origin_of_an_installed_kit(origin: dict[str, Any], requirement: str) -> None:
    assert requirement_of(origin) == f"quarterdeck @ {requirement}"


@pytest.mark.parametrize(
    ("kit", "line", "readme"),
    [
        ("quarterdeck>=0.2", "quarterdeck>=0.2", ""),
        (".", "quarterdeck @ {folder}", "Build a wheel there with `make wheel`"),
        (
            "git+https://example.com/kit@main#subdirectory=python",
            r"quarterdeck @ git+https://example.com/kit@main\#subdirectory=python",
            "--build-arg 'KIT=quarterdeck @ git+https://",
        ),
    ],
)
def test_the_makefile_installs_the_kit_that_is_named(
    kit: str, line: str, readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(new, ["harbour", "--kit", kit]).exit_code == 0

    makefile = (tmp_path / "harbour" / "Makefile").read_text("utf-8")
    assert f"\nKIT ?= {line.format(folder=tmp_path.as_uri())}\n" in makefile
    text = (tmp_path / "harbour" / "README.md").read_text("utf-8")
    assert ("KIT" in text) == bool(readme)
    assert readme in text


@pytest.mark.parametrize("kit", ["lighthouse", "quarterdeck-crm", "https://example.com/$(id)"])
def test_another_kit_is_refused(kit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(new, ["harbour", "--kit", kit])
    assert (done.exit_code, os.listdir(tmp_path)) == (2, [])
    assert f"'{kit}' " in done.output
    assert "Name a folder, a wheel, a URL" in done.output


def test_a_folder_with_files_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harbour").mkdir()
    (tmp_path / "harbour" / "chart").touch()
    done = CliRunner().invoke(new, ["harbour"])

    assert (done.exit_code, done.output) == (
        1,
        "Error: 'harbour' exists already. Choose another name, or empty it.\n",
    )
    assert os.listdir(tmp_path / "harbour") == ["chart"]
