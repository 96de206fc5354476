"""Compare and sort texts by keys, so that SQLite and MySQL agree on equal codes and on the order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck_crm.errors import KeyClashError
from quarterdeck_crm.models.collation import same_key, sort_key, unique_key

revision = "a3f6c9d20b84"
down_revision = "8d3f51c0e7a6"
branch_labels = None
depends_on = None

BATCH = 1000


class Text(NamedTuple):
    """A text that gets a key.

    Attributes:
        name: The column.
        length: Its length.
        unique: Whether two rows may not have the same key.
        matched: Whether it is compared, not only sorted by.
        nullable: Whether the key of NULL is NULL.
        nocase: Whether the column ignored case on SQLite.
    """

    name: str
    length: int
    unique: bool = False
    matched: bool = False
    nullable: bool = False
    nocase: bool = False

    def key(self, text: str | None) -> str | None:
        if text is None:
            return None if self.nullable else ""
        return unique_key(text, self.length) if self.matched else sort_key(text, self.length)

    @property
    def type(self) -> sa.types.TypeEngine[str]:
        stored = 1 + 4 * self.length if self.matched else self.length
        binary = mysql.VARCHAR(stored, collation="utf8mb4_bin")
        return sa.String(stored).with_variant(binary, "mysql", "mariadb")


TEXTS = {
    "account": (
        Text("code", 32, unique=True, matched=True, nullable=True),
        Text("name", 200, nocase=True),
        Text("city", 100, nocase=True),
        Text("country", 100, nocase=True),
    ),
    "contact": (Text("name", 120, nocase=True),),
    "good": (
        Text("code", 32, unique=True, matched=True),
        Text("name", 200, nocase=True),
        Text("category", 80, matched=True, nocase=True),
    ),
    "order": (Text("number", 32, unique=True, matched=True),),
    "user": (Text("name", 120, nocase=True), Text("department", 80, nocase=True)),
}
# By table: the columns of the indexes that go, and of those that come.
INDEXES: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {
    "account": (
        [
            ("name",), ("city",), ("country",), ("archived_at", "name"), ("archived_at", "code"),
            ("archived_at", "city"), ("archived_at", "country"),
        ],
        [
            ("name_key",), ("archived_at", "name_key"), ("archived_at", "code_key"),
            ("archived_at", "city_key"), ("archived_at", "country_key"),
        ],
    ),
    "contact": ([("name",)], []),
    "good": (
        [
            ("name",), ("category",), ("archived_at", "name"), ("archived_at", "code"),
            ("archived_at", "category"),
        ],
        [("archived_at", "name_key"), ("archived_at", "code_key"), ("archived_at", "category_key")],
    ),
    "order": ([("state", "number")], [("state", "number_key")]),
    "user": ([("name",), ("department",)], [("name_key",)]),
}  # fmt: skip


def upgrade() -> None:
    refuse_clashes()
    for table, texts in TEXTS.items():
        for text in texts:
            op.add_column(table, sa.Column(f"{text.name}_key", text.type, nullable=True))
        fill(table, texts)
        with op.batch_alter_table(table, schema=None) as batch_op:
            for text in texts:
                key = f"{text.name}_key"
                if not text.nullable:
                    batch_op.alter_column(key, existing_type=text.type, nullable=False)
                if text.unique:
                    batch_op.create_unique_constraint(f"uq_{table}_{key}", [key])
                    batch_op.drop_constraint(f"uq_{table}_{text.name}", type_="unique")
        change_indexes(table, *INDEXES[table])
        collate(table, texts, None)
    # The migration of people writes the search words.


def downgrade() -> None:
    for table, texts in TEXTS.items():
        collate(table, texts, "NOCASE")
        change_indexes(table, *INDEXES[table][::-1])
        with op.batch_alter_table(table, schema=None) as batch_op:
            for text in texts:
                if text.unique:
                    batch_op.create_unique_constraint(f"uq_{table}_{text.name}", [text.name])
                    batch_op.drop_constraint(f"uq_{table}_{text.name}_key", type_="unique")
        with op.batch_alter_table(table, schema=None) as batch_op:
            for text in texts:
                batch_op.drop_column(f"{text.name}_key")


def refuse_clashes() -> None:
    """Refuse the migration before its first change if two rows would get the same key.

    Raises:
        KeyClashError: If there are any.
    """
    clashes = []
    for table, texts in TEXTS.items():
        for text in texts:
            if text.unique:
                seen: dict[str, tuple[int, str]] = {}
                for id_, value in rows_of(table, text.name):
                    if value is not None:
                        first = seen.setdefault(same_key(value), (id_, value))
                        if first[0] != id_:
                            clashes.append((table, text.name, first, (id_, value)))
    if clashes:
        raise KeyClashError(clashes)


def rows_of(table: str, *names: str) -> Iterator[Any]:
    columns = [sa.column(name) for name in ("id", *names)]
    statement = sa.select(*columns).select_from(sa.table(table)).order_by(columns[0])
    return iter(op.get_bind().execute(statement))


def fill(table: str, texts: tuple[Text, ...]) -> None:
    """Write the keys: most are the text in lower case, which the database does by itself."""
    connection = op.get_bind()
    keys = [f"{text.name}_key" for text in texts]
    rows = sa.table(table, *(sa.column(name) for name in ("id", *keys)))
    lower: dict[str, Any] = {}
    for key, text in zip(keys, texts, strict=True):
        value: Any = sa.column(text.name)
        lower[key] = sa.func.lower(value if text.nullable else sa.func.coalesce(value, ""))
    connection.execute(rows.update().values(lower))
    changes = []
    for id_, *found in rows_of(table, *(text.name for text in texts), *keys):
        values, present = found[: len(texts)], found[len(texts) :]
        wanted = [text.key(value) for text, value in zip(texts, values, strict=True)]
        if wanted != present:
            changes.append({"of": id_} | dict(zip(keys, wanted, strict=True)))
    change = rows.update().where(rows.c.id == sa.bindparam("of"))
    for start in range(0, len(changes), BATCH):
        connection.execute(change, changes[start : start + BATCH])


def change_indexes(table: str, old: list[tuple[str, ...]], new: list[tuple[str, ...]]) -> None:
    # The new ones first: MySQL never leaves a foreign key without an index.
    with op.batch_alter_table(table, schema=None) as batch_op:
        for columns in new:
            batch_op.create_index(name_of(table, columns), list(columns), unique=False)
    with op.batch_alter_table(table, schema=None) as batch_op:
        for columns in old:
            batch_op.drop_index(name_of(table, columns))


def name_of(table: str, columns: tuple[str, ...]) -> str:
    first, *others = columns
    return "_".join((f"ix_{table}", first, *(f"{table}_{column}" for column in others)))


def collate(table: str, texts: tuple[Text, ...], collation: str | None) -> None:
    """Let the texts of SQLite ignore case, or no longer: their keys do."""
    if op.get_bind().dialect.name != "sqlite":
        return
    with op.batch_alter_table(table, schema=None) as batch_op:
        for text in texts:
            if text.nocase:
                batch_op.alter_column(text.name, type_=sa.String(text.length, collation=collation))
