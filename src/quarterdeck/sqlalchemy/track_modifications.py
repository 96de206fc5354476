"""Signals about changed objects around each commit (``SQLALCHEMY_TRACK_MODIFICATIONS``)."""

from __future__ import annotations

from typing import Any, Literal

from blinker import Namespace
from quart import Quart
from sqlalchemy import event, orm
from sqlalchemy.util import await_only

Operation = Literal["insert", "update", "delete"]
Changes = dict[object, tuple[Any, Operation]]

_signals = Namespace()

before_models_committed = _signals.signal("before-models-committed")
"""Sent before a commit, with ``changes``: a list of ``(object, operation)``.

The operation is "insert", "update" or "delete"; the sender is the app. Receivers may be async.
"""

models_committed = _signals.signal("models-committed")
"""Sent after a commit, with the same ``changes``."""


class Tracker:
    """The changes of one session since its transaction began."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        self._changes: Changes = {}
        self._at_savepoint: dict[orm.SessionTransaction, Changes] = {}

    def follow(self, session: orm.Session) -> None:
        """Record the changes of a session from now on."""
        event.listen(session, "before_flush", self._record)
        event.listen(session, "before_commit", self._before_commit)
        event.listen(session, "after_transaction_create", self._began)
        event.listen(session, "after_soft_rollback", self._rolled_back)

    def _record(self, session: orm.Session, *_rest: object) -> None:
        operations: tuple[tuple[Any, Operation], ...] = (
            (session.new, "insert"),
            (session.dirty, "update"),
            (session.deleted, "delete"),
        )
        for objects, operation in operations:
            for each in objects:
                if operation != "update" or session.is_modified(each):
                    self._add(each, operation)

    def _add(self, changed: Any, operation: Operation) -> None:
        known = self._changes.get(id(changed))
        if known is not None and known[1] == "insert" and operation == "update":
            operation = "insert"
        self._changes[id(changed)] = (changed, operation)

    def _before_commit(self, session: orm.Session) -> None:
        self._record(session)
        if self._changes and not session.in_nested_transaction():
            await_only(self._send(before_models_committed, list(self._changes.values())))

    async def committed(self) -> None:
        """Send the signal of the commit."""
        changes, self._changes = list(self._changes.values()), {}
        self._at_savepoint.clear()
        if changes:
            await self._send(models_committed, changes)

    async def _send(self, signal: Any, changes: list[tuple[Any, Operation]]) -> None:
        await signal.send_async(self._app, _sync_wrapper=self._app.ensure_async, changes=changes)

    def _began(self, _session: orm.Session, transaction: orm.SessionTransaction) -> None:
        if transaction.nested:
            self._at_savepoint[transaction] = dict(self._changes)

    def _rolled_back(self, _session: orm.Session, transaction: orm.SessionTransaction) -> None:
        if transaction.nested:
            self._changes = self._at_savepoint.pop(transaction, {})
        elif transaction.parent is None:
            self._changes.clear()
            self._at_savepoint.clear()
