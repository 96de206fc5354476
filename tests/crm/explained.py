"""Every statement of a request is explained: none may read a table that grows from end to end.

SQLite's plans do not depend on the number of rows, so empty tables show them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from quart import has_request_context
from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.engine import Engine

READING = ("SELECT", "UPDATE", "DELETE", "WITH")
# Tables that do not grow with the business: the outbox holds mails until they are sent.
SMALL = {
    "custom_field",
    "deal_lost_reason",
    "deal_stage",
    "mail_outbox",
    "scheduler_job",
    "scheduler_lease",
    "tag",
    "user",
}
# Parts of statements that may read everything, each with the reason.
ALLOWED = {
    "GROUP BY record_tag.tag_id": "administrators see how many records have each tag",
    "lower(audit_event.actor) LIKE": "administrators look for any part of a word",
    "SELECT min(good.category)": "the categories of all goods, of which there are some thousands",
}
ALL_WORDS = re.compile(r"SEARCH search_word\w* .*\(subject_type=\?\)")  # those of all rows
SCAN = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


class Explained:
    """The plans of statements. Each statement is explained once in a run."""

    def __init__(self, metadata: MetaData) -> None:
        self._growing = metadata.tables.keys() - SMALL
        self._known: set[str] = set()
        self._engine = create_engine("sqlite://")
        metadata.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def collected(self) -> Iterator[dict[str, Any]]:
        """Collect the new statements of the requests in the block, with values for each."""
        found: dict[str, Any] = {}

        def note(by: Any, _cursor: Any, text: str, values: Any, _x: Any, many: bool) -> None:
            if text in self._known or not text.startswith(READING):
                return
            if by.dialect.name == "sqlite" and has_request_context():
                self._known.add(text)
                found[text] = values[0] if many else values

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    def wasteful(self, statements: dict[str, Any]) -> list[str]:
        """Return those that read a whole table, with their plans."""
        plans = {
            text: self._plan(text, values)
            for text, values in statements.items()
            if not any(part in text for part in ALLOWED)
        }
        return [
            f"{text}\n{steps}"
            for text, steps in plans.items()
            if any(self._reads_all(step, text) for step in steps)
        ]

    def _plan(self, text: str, values: Any) -> list[str]:
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            return [row.detail for row in rows]

    def _reads_all(self, step: str, text: str) -> bool:
        """Whether a step reads a table to its end; one in order ends with the LIMIT."""
        if ALL_WORDS.match(step):
            return True
        found = SCAN.match(step)
        if not found or found[1] not in self._growing:
            return False
        return "LIMIT " not in text or ("WHERE " in text and found[2] is None)
