"""``crm attachments prune``: stored files that no row names are removed, and no others."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from quart import Quart
from werkzeug.datastructures import FileStorage

from quarterdeck_crm.attachments.kinds import ATTACHABLE
from quarterdeck_crm.attachments.pruning import BATCH, Pruned, prune
from quarterdeck_crm.attachments.services import add_attachment
from quarterdeck_crm.attachments.storage import keep, stored_path
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Attachment

from .cli.test_cli import Crm, run_in
from .conftest import Auth
from .test_attachments import files_in, png, upload
from .trading import Trade

DAY = timedelta(days=1)
OLD = time.time() - 2 * 24 * 3600

Prune = Callable[..., Awaitable[Pruned]]


def place(app: Quart, *, name: str | None = None, modified: float = OLD) -> Path:
    """Write a file as an upload that was killed leaves it."""
    name = name or f"{secrets.token_hex(16)}.txt"
    path = Path(app.instance_path, "attachments", name[:2], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    os.utime(path, (modified, modified))
    return path


@pytest.fixture(name="prune")
def _prune(app: Quart) -> Prune:
    async def run(**options: object) -> Pruned:
        async with app.app_context():
            return await prune(**{"older_than": DAY} | options)  # type: ignore[arg-type]

    return run


@pytest.fixture
async def named(app: Quart, auth: Auth, as_moderator: Auth, trade: Trade) -> list[Path]:
    """An old attachment and an old picture, both with rows."""
    account, good = await trade.account(), await trade.good()
    await upload(auth, f"/accounts/{account.id}/files", "a.txt", b"text")
    await upload(as_moderator, f"/goods/{good.id}/picture", "a.png", png())
    paths = files_in(app)
    assert len(paths) == 3, "with the small picture"
    for path in paths:
        os.utime(path, (OLD, OLD))
    return paths


async def test_only_old_files_without_a_row_are_removed(
    app: Quart, prune: Prune, named: list[Path]
) -> None:
    orphans = [place(app) for _ in range(3)]
    young = place(app, modified=time.time() - DAY.total_seconds() + 600)
    foreign = [
        place(app, name="README.txt"),
        place(app, name=f"{'0' * 32}"),
        Path(app.instance_path, "attachments", "note.txt"),
    ]
    foreign[2].write_text("Do not remove.")

    trial = await prune(dry_run=True)
    assert all(path.exists() for path in orphans)
    pruned = await prune()

    assert trial == pruned == Pruned(files=3, size=15, young=1)
    assert sorted(files_in(app)) == sorted([*named, young, *foreign])
    assert await prune() == Pruned(young=1)


async def test_more_files_than_fit_in_one_statement(
    app: Quart, prune: Prune, named: list[Path]
) -> None:
    for _ in range(BATCH + 5):
        place(app)
    steps: list[tuple[int, int]] = []

    pruned = await prune(progress=lambda done, total: steps.append((done, total)))

    assert pruned.files == BATCH + 5
    assert steps == [(BATCH, BATCH + 7), (BATCH + 7, BATCH + 7)]
    assert sorted(files_in(app)) == sorted(named)


async def test_links_are_left_alone(app: Quart, prune: Prune, named: list[Path]) -> None:
    target = place(app, name="kept.txt")
    link = target.parent.parent / "ab" / f"ab{'0' * 30}.txt"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)

    assert (await prune()).files == 0
    assert link.is_symlink()


async def test_a_missing_folder_is_refused(prune: Prune) -> None:
    with pytest.raises(NotFoundError, match=r"does not exist\. Check CRM_ATTACHMENT_FOLDER"):
        await prune(force=True)


async def test_a_database_that_names_no_file_is_refused(app: Quart, prune: Prune) -> None:
    path = place(app)

    with pytest.raises(ConflictError, match="holds 1 files, and the database names none"):
        await prune()
    assert path.exists()
    assert (await prune(force=True)).files == 1


async def test_an_empty_folder_needs_no_force(app: Quart, prune: Prune) -> None:
    place(app).unlink()

    assert await prune() == Pruned()


async def test_uploads_under_way_are_kept(app: Quart, prune: Prune, trade: Trade) -> None:
    """A file is on disk and its row is not committed yet, while files are pruned."""
    account = await trade.account()
    place(app)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def attach() -> str:
        file = FileStorage(io.BytesIO(b"text"), filename="a.txt")
        async with app.app_context(), keep(file, kinds=ATTACHABLE, limit=100) as kept:
            written.set()
            await go_on.wait()
            async with db.transaction() as session:
                subject = await session.get_one(Account, account.id)
                await add_attachment(session, actor=None, subject=subject, file=kept)
            return kept.stored

    uploading = asyncio.create_task(attach())
    await written.wait()
    pruned = await prune(force=True)
    go_on.set()
    stored = await uploading

    assert pruned == Pruned(files=1, size=5, young=1)
    async with app.app_context():
        assert await asyncio.to_thread(stored_path(stored).exists)
        assert (await db.session.get_one(Attachment, 1)).stored == stored
    assert await prune() == Pruned()


async def test_many_uploads_at_once_lose_no_file(
    app: Quart, auth: Auth, prune: Prune, trade: Trade
) -> None:
    account = await trade.account()
    token = await auth.token()

    few = asyncio.Semaphore(5)  # the others would wait for a connection, and could be refused

    async def post(number: int) -> int:
        file = FileStorage(io.BytesIO(b"%d" % number), filename="a.txt")
        form = {"csrf_token": token}
        path = f"/accounts/{account.id}/files"
        async with few:
            return (await auth.client.post(path, form=form, files={"file": file})).status_code

    async def prune_until(uploads: asyncio.Future[list[int]]) -> int:
        removed = 0
        while not uploads.done():
            place(app)
            removed += (await prune(force=True)).files
        return removed

    uploads = asyncio.gather(*(post(number) for number in range(20)))
    removed = await prune_until(uploads)

    assert await uploads == [303] * 20
    assert removed > 0
    assert len(files_in(app)) == 20


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    return run_in(tmp_path)


def test_the_command_says_what_it_did(crm: Crm, tmp_path: Path) -> None:
    crm("db", "upgrade")
    assert "does not exist" in crm("attachments", "prune").stderr
    for modified in (OLD, OLD, time.time()):
        path = tmp_path / "attachments" / "ab" / f"ab{secrets.token_hex(15)}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
        os.utime(path, (modified, modified))

    refused = crm("attachments", "prune")
    trial = crm("attachments", "prune", "--dry-run", "--force")
    done = crm("attachments", "prune", "--force")

    left = "Left 1 file without a row, younger than 24 hours.\n"
    assert refused.exit_code == 1
    assert "Add --force" in refused.stderr
    assert trial.stdout == f"Would remove 2 files (10 bytes).\n{left}"
    assert done.stdout == f"Removed 2 files (10 bytes).\n{left}"
    assert crm("attachments", "prune", "--older-than", "0").exit_code == 2
