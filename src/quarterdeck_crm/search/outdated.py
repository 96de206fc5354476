"""Whether records were indexed by an older version, which knew fewer fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, select

from quarterdeck_crm.models import DuplicateKey, SearchWord

from .duplicate_index import SUBJECTS as WITH_DUPLICATES
from .duplicate_index import read_keys
from .word_index import SUBJECTS, read_words

MAX_COMPARED = 50  # of each kind: the oldest records are those that an upgrade leaves behind


def outdated_kinds(connection: Connection) -> list[str]:
    """Return the tables whose oldest records have other search words or keys than they should."""
    return sorted(set(_without_words(connection)) | set(_without_keys(connection)))


def _without_words(connection: Connection) -> Iterator[str]:
    for model in SUBJECTS:
        ids = connection.scalars(select(model.id).order_by(model.id).limit(MAX_COMPARED)).all()
        stored = select(SearchWord.subject_id, SearchWord.word).where(
            SearchWord.subject_type == model.__tablename__, SearchWord.subject_id.in_(ids)
        )
        wanted = read_words(connection, model, ids)
        if _grouped(connection.execute(stored).all()) != {i: w for i, w in wanted.items() if w}:
            yield model.__tablename__


def _without_keys(connection: Connection) -> Iterator[str]:
    for model in WITH_DUPLICATES:
        ids = connection.scalars(select(model.id).order_by(model.id).limit(MAX_COMPARED)).all()
        stored = select(DuplicateKey.subject_id, DuplicateKey.key).where(
            DuplicateKey.subject_type == model.__tablename__, DuplicateKey.subject_id.in_(ids)
        )
        wanted = read_keys(connection, model, ids)
        if _grouped(connection.execute(stored).all()) != {i: k for i, k in wanted.items() if k}:
            yield model.__tablename__


def _grouped(rows: Iterable[Any]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for id_, text in rows:
        found[id_].add(text)
    return found
