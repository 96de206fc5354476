"""Import and export as pages."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete, func, select

from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.fields import create_field, get_field, set_field_archived
from quarterdeck_crm.models import (
    Account,
    Activity,
    AuditEvent,
    Contact,
    Good,
    Order,
    OrderLine,
    Person,
    Role,
    User,
)
from quarterdeck_crm.transfer import background, uploads
from quarterdeck_crm.transfer.importing import Report
from quarterdeck_crm.transfer.turns import turn
from tests.crm.conftest import Auth, MakeUser

from .importer import Importer, figures

FILES = {
    "accounts": ("customers.csv",),
    "goods": ("products.csv",),
    "orders": ("orders.csv", "order_details.csv"),
}
EXPORTS = ("accounts", "people", "goods", "orders", "order-lines", "deals", "notes")


@pytest.fixture
def importer(as_moderator: Auth) -> Importer:
    return Importer(as_moderator)


async def _counts(app: Quart) -> list[int]:
    async with app.app_context():
        return [
            await db.session.scalar(select(func.count()).select_from(model)) or 0
            for model in (Account, Contact, Good, Order, OrderLine, Activity)
        ]


def _kept(app: Quart) -> list[str]:
    """Name the files that are kept of all uploads."""
    return sorted(path.name for path in Path(app.instance_path, "imports").rglob("*.*"))


def _uploaded(app: Quart) -> list[Path]:
    return list(Path(app.instance_path, "imports").glob("*/[0-9]"))


def _let_pass(app: Quart, address: str, seconds: float, *, phase: str = "checked") -> None:
    """Let an upload be in a phase, and nothing be heard of it for some time."""
    state = Path(app.instance_path, "imports", address.rpartition("/")[2], "state.json")
    state.write_text(state.read_text().replace('"checked"', f'"{phase}"'))
    long_ago = state.stat().st_mtime - seconds
    os.utime(state, (long_ago, long_ago))


@pytest.mark.feature("AP3")
async def test_files_are_checked_and_then_imported(
    app: Quart, importer: Importer, files: Path, moderator: User
) -> None:
    before = await _counts(app)

    address, page = await importer.check("goods", files / "products.csv")

    assert figures(page) == {"New": "3", "Changed": "0", "Unchanged": "0"}
    assert "Nothing is written yet" in page
    assert await _counts(app) == before
    await importer.auth.post(f"{address}/run")
    done = await importer.settled(address)
    assert "Imported goods: 3 new, 0 changed, 0 unchanged." in done
    async with app.app_context():
        actors = set(await db.session.scalars(select(Activity.actor_id)))
        assert actors == {moderator.id}
        (event,) = await db.session.scalars(select(AuditEvent))
        assert (event.action, event.actor, event.subject) == ("imported", moderator.email, "goods")
    assert _uploaded(app) == []


@pytest.mark.feature("AP3")
async def test_a_second_import_changes_nothing(app: Quart, importer: Importer, files: Path) -> None:
    first = [
        await importer.run(kind, *(files / name for name in names)) for kind, names in FILES.items()
    ]
    after = await _counts(app)

    second = [
        await importer.run(kind, *(files / name for name in names)) for kind, names in FILES.items()
    ]

    assert [figures(page)["New"] for page in first] == ["3", "3", "2"]
    assert [figures(page)["New"] for page in second] == ["0", "0", "0"]
    assert [figures(page)["Unchanged"] for page in second] == ["3", "3", "2"]
    assert await _counts(app) == after
    assert "Not imported: the columns employee_id." in first[2]


@pytest.mark.parametrize("kind", ["accounts", "goods"])
async def test_the_result_names_the_columns_that_were_not_imported(
    importer: Importer, files: Path, kind: str
) -> None:
    (name,) = FILES[kind]
    head, *lines = (files / name).read_text().splitlines()
    (files / name).write_text("\n".join([f"{head},gone", *(f"{line},x" for line in lines)]))
    page = await importer.run(kind, files / name)
    assert page.count("Not imported: the columns gone.") == 1


async def test_broken_lines_are_listed_by_number_and_nothing_changes(
    app: Quart, importer: Importer, files: Path
) -> None:
    path = files / "products.csv"
    with path.open("a") as file:
        file.write("4,Tea,Provisions,case,cheap,1,0\n5,Lamp\n6,,Lights,piece,12,1,0\n")
    before = await _counts(app)

    address, page = await importer.check("goods", path)

    assert "3 mistakes: nothing was imported." in page
    for line, text in (
        ("5", "&#39;price&#39; is &#39;cheap&#39;"),
        ("6", "has 2 cells"),
        ("7", "&#39;name&#39;"),
    ):
        assert f'<td class="num">{line}</td>' in page
        assert text in page
    assert "Import now" not in page
    assert (await importer.auth.post(f"{address}/run")).status_code == 409
    assert await _counts(app) == before
    assert _uploaded(app) == []


@pytest.mark.feature("AP3")
async def test_exports_import_again_to_the_same_state(
    app: Quart, importer: Importer, imported: None, tmp_path: Path
) -> None:
    before = await _exported(importer, tmp_path)
    async with app.app_context(), db.transaction() as session:
        for model in (Activity, OrderLine, Order, Person, Account, Good):
            await session.execute(delete(model))

    await importer.run("accounts", tmp_path / "accounts.csv")
    await importer.run("people", tmp_path / "people.csv")
    await importer.run("goods", tmp_path / "goods.csv")
    await importer.run("orders", tmp_path / "orders.csv", tmp_path / "order-lines.csv")

    assert await _exported(importer, tmp_path) == before


async def _exported(importer: Importer, folder: Path) -> list[bytes]:
    contents = []
    for name in EXPORTS:
        response = await importer.auth.get(f"/transfer/export/{name}.csv")
        data = await response.get_data(as_text=False)
        await asyncio.to_thread((folder / f"{name}.csv").write_bytes, data)
        contents.append(data)
    return contents


async def test_exports_are_saved_and_never_shown(importer: Importer, imported: None) -> None:
    response = await importer.auth.get("/transfer/export/goods.csv")

    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="goods-')
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "no-store" in response.headers["Cache-Control"]
    assert (await importer.auth.get("/transfer/export/team.csv")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/transfer/", "/transfer/goods", "/transfer/export/goods.csv", "/transfer/imports/1"]
)
async def test_it_is_not_for_the_role_user(auth: Auth, path: str) -> None:
    assert (await auth.get(path)).status_code == 403
    assert "/transfer/" not in await (await auth.get("/goods/")).get_data(as_text=True)


async def test_an_import_is_seen_by_its_owner_and_administrators(
    importer: Importer, as_admin: Auth, browser: Any, make_user: MakeUser, files: Path
) -> None:
    address, _ = await importer.check("goods", files / "products.csv")
    other = browser()
    await other.login(await make_user(Role.MODERATOR, "other@example.com"))

    assert (await other.get(address)).status_code == 404
    assert (await other.post(f"{address}/run")).status_code == 404
    assert "products.csv" not in await (await other.get("/transfer/")).get_data(as_text=True)
    assert (await as_admin.get(address)).status_code == 200
    assert "products.csv" in await (await as_admin.get("/transfer/")).get_data(as_text=True)


async def test_pressing_twice_imports_once(importer: Importer, files: Path) -> None:
    address, _ = await importer.check("goods", files / "products.csv")
    token = await importer.auth.token()

    answers = await asyncio.gather(
        *(importer.auth.client.post(f"{address}/run", form={"csrf_token": token}) for _ in range(3))
    )

    assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert "3 new" in await importer.settled(address)


async def test_imports_write_one_after_the_other(
    app: Quart, importer: Importer, tmp_path: Path
) -> None:
    """No key of a person is unique, so two that look at the same moment would both add it."""
    file = tmp_path / "people.csv"
    await asyncio.to_thread(file.write_text, "name,email\nAda,ada@example.com\n")
    addresses = [(await importer.check("people", file))[0] for _ in range(2)]

    async with app.app_context():
        async with turn():
            for address in addresses:
                await importer.auth.post(f"{address}/run")
            await importer.check("people", file)
            assert "data-under-way" in await importer.page(addresses[0])
            assert await db.session.scalar(select(func.count(Person.id))) == 0
        pages = [await importer.settled(address) for address in addresses]
        await db.session.release()
        assert await db.session.scalar(select(func.count(Person.id))) == 1
    assert sorted(figures(page)["New"] for page in pages) == ["0", "1"]


async def test_a_custom_field_that_is_removed_after_the_check_ends_the_import(
    app: Quart, importer: Importer, tmp_path: Path
) -> None:
    async with app.app_context(), db.transaction() as session:
        values = {"label": "Size", "type": "text"}
        field = await create_field(session, actor=None, kind="account", values=values)
    file = tmp_path / "accounts.csv"
    await asyncio.to_thread(file.write_text, "code,name,field_size,legs\nA,Wool,big,4\n")
    address, page = await importer.check("accounts", file)
    assert "Not imported: the columns legs." in page
    async with app.app_context(), db.transaction() as session:
        row = await get_field(session, field_id=field.id)
        await set_field_archived(session, actor=None, field=row, archived=True)

    await importer.auth.post(f"{address}/run")
    page = await importer.settled(address)

    assert "A custom field of the file was removed after the check. Nothing was written." in page
    async with app.app_context():
        assert await db.session.scalar(select(func.count(Account.id))) == 0
    done = await importer.run("accounts", file)
    assert "1 new" in done
    assert "Not imported: the columns field_size, legs." in done, "the report of the import too"


async def test_discarded_files_are_gone(app: Quart, importer: Importer, files: Path) -> None:
    address, _ = await importer.check("goods", files / "products.csv")

    assert (await importer.auth.post(f"{address}/discard")).status_code == 303

    assert (await importer.auth.get(address)).status_code == 404
    assert _kept(app) == []


async def test_progress_is_shown_with_and_without_a_script(
    importer: Importer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def half_way(*_: Any, progress: Any, **__: Any) -> Report:
        progress(50, 100)
        await held.wait()
        return Report(created=1)

    monkeypatch.setattr(background, "run_import", half_way)
    monkeypatch.setattr(background, "BEAT_SECONDS", 0.01)
    response = await importer.upload("goods", files / "products.csv")

    async with asyncio.timeout(30):
        while 'value="50"' not in await importer.page(response.location):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    page = await importer.page(response.location)

    assert '<progress max="100" value="50"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    held.set()
    assert figures(await importer.settled(response.location))["New"] == "1"


async def test_work_of_a_dead_process_is_told_as_such(
    app: Quart, importer: Importer, files: Path
) -> None:
    address, _ = await importer.check("goods", files / "products.csv")
    _let_pass(app, address, uploads.SILENCE_SECONDS + 1, phase="importing")

    page = await (await importer.auth.get(address)).get_data(as_text=True)

    assert "The server stopped during the import." in page
    assert (await importer.auth.post(f"{address}/run")).status_code == 409


async def test_a_stop_of_the_server_is_told(
    app: Quart, importer: Importer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(*_: Any, **__: Any) -> Report:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(background, "run_import", endless)
    address = (await importer.upload("goods", files / "products.csv")).location

    await asyncio.sleep(0)
    for task in app.background_tasks:  # what Quart does when it stops
        task.cancel()

    assert "The server stopped during the check." in await importer.settled(address)
    assert _uploaded(app) == []


async def test_a_failure_of_ours_is_told_and_logged(
    importer: Importer,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*_: Any, **__: Any) -> Report:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(background, "run_import", broken)

    _, page = await importer.check("goods", files / "products.csv")

    assert "Something went wrong on our side" in page
    assert "a fault of ours" not in page
    assert "a fault of ours" in caplog.text


async def test_somebody_disabled_meanwhile_imports_nothing(
    app: Quart, importer: Importer, as_admin: Auth, files: Path, moderator: User
) -> None:
    address, _ = await importer.check("goods", files / "products.csv")
    await as_admin.post(f"/team/{moderator.id}/disable")

    await as_admin.post(f"{address}/run")
    page = await Importer(as_admin).settled(address)

    assert "no longer in the team" in page
    assert (await _counts(app))[2] == 0


@pytest.mark.parametrize("settings", [{"IMPORT_MAX_BYTES": 100}])
async def test_files_beyond_the_limit_are_refused(
    app: Quart, importer: Importer, files: Path
) -> None:
    response = await importer.upload("goods", files / "products.csv")

    assert response.status_code == 422
    assert "The file is larger than" in await response.get_data(as_text=True)
    assert _kept(app) == []


async def test_a_missing_or_strange_file_is_refused(importer: Importer, files: Path) -> None:
    nothing = await importer.upload("orders", files / "orders.csv")
    (files / "goods.xlsx").write_bytes(b"PK")
    strange = await importer.upload("goods", files / "goods.xlsx")

    assert nothing.status_code == strange.status_code == 422
    assert "Choose a file." in await nothing.get_data(as_text=True)
    assert "csv, tsv, txt" in await strange.get_data(as_text=True)
    assert (await importer.auth.get("/transfer/users")).status_code == 404


async def test_old_uploads_are_swept_away(app: Quart, importer: Importer, files: Path) -> None:
    address, _ = await importer.check("goods", files / "products.csv")
    _let_pass(app, address, uploads.KEPT_SECONDS + 1)

    await importer.check("goods", files / "products.csv")

    assert (await importer.auth.get(address)).status_code == 404


async def test_a_report_is_in_the_language_of_each_reader(importer: Importer, files: Path) -> None:
    (files / "customers.csv").write_text(
        f"code,name,email,archived,nickname\nA1,One,nowhere,0,\nA2,{'x' * 300},,maybe,\nA3,,,,\n"
    )
    address, english = await importer.check("accounts", files / "customers.csv")
    pages = {
        code: await (await importer.auth.get(address, headers={"Accept-Language": code})).get_data(
            as_text=True
        )
        for code in ("de", "zh-CN")
    }

    expected = {
        english: (
            "4 mistakes: nothing was imported. Correct the file and import it again.",
            "At most 200 characters are allowed.",
            "expected 1 or 0, yes or no, true or false",
            "&#39;name&#39; is empty",
            "Enter an e-mail address",
        ),
        pages["de"]: (
            "4 Fehler: Es wurde nichts importiert.",
            "Höchstens 200 Zeichen",
            "erwartet wird 1 oder 0, yes oder no",
            "&#39;name&#39; ist leer",
            "Geben Sie eine E-Mail-Adresse",
        ),
        pages["zh-CN"]: ("4 处错误", "应为1 或 0", "&#39;name&#39; 为空", "200"),
    }
    for page, texts in expected.items():
        for text in texts:
            assert text in page, text
