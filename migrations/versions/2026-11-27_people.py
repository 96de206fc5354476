"""Make the contacts of accounts people, who have several accounts, numbers and addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck.sqlalchemy import UTCDateTime
from quarterdeck_crm.models.references import new_reference
from quarterdeck_crm.search.word_index import words_of

revision = "c9a17e5b3d48"
down_revision = "81390f76af71"
branch_labels = None
depends_on = None

BATCH = 1000
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
# The columns that go from a contact to its person, with their indexes.
MOVED = ("name", "name_key", "created_at", "updated_at", "version")
# Tables of details with the column of a contact, its label and its place.
DETAILS = (
    ("person_phone", "number", "phone", "work", 1),
    ("person_phone", "number", "fax", "fax", 2),
    ("person_email", "email", "email", "work", 1),
)
# What an account, a good and a person are found by.
WORDS = {
    "account": (
        "SELECT id, name, code, city, country FROM account WHERE id BETWEEN :first AND :last",
        (
            "SELECT contact.account_id, person.name FROM contact JOIN person"
            " ON person.id = contact.person_id WHERE contact.account_id BETWEEN :first AND :last"
        ),
    ),
    "good": ("SELECT id, name, code, category FROM good WHERE id BETWEEN :first AND :last",),
    "person": (
        "SELECT id, name FROM person WHERE id BETWEEN :first AND :last",
        "SELECT person_id, email FROM person_email WHERE person_id BETWEEN :first AND :last",
    ),
}


def exact(length: int) -> sa.types.TypeEngine[str]:
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    make_tables()
    copy_people()
    run("UPDATE activity SET subject_type = 'person' WHERE subject_type = 'contact'")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("main", sa.Boolean(), nullable=True))
        batch_op.drop_index("ix_contact_created_at")
        for name in ("email", "phone", "fax", *MOVED):
            batch_op.drop_column(name)
    run("UPDATE contact SET person_id = id")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_index("ix_contact_person_id", ["person_id"], unique=False)
        batch_op.create_foreign_key(
            "fk_contact_person_id_person", "person", ["person_id"], ["id"], ondelete="CASCADE"
        )
        for name in ("person_id", "main"):
            batch_op.create_unique_constraint(f"uq_contact_account_id_{name}", ["account_id", name])
    index_words()


def downgrade() -> None:
    run("DELETE FROM search_word WHERE subject_type = 'person'")
    moved = [
        sa.Column("name", sa.String(120), nullable=True),
        sa.Column("name_key", exact(120), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("fax", sa.String(40), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=True),
        sa.Column("updated_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
    ]
    for column in moved:
        op.add_column("contact", column)
    for name in MOVED:
        run(
            f"UPDATE contact SET {name} ="  # noqa: S608 - the names are above
            f" (SELECT person.{name} FROM person WHERE person.id = contact.person_id)"
        )
    for table, column, name, label, _ in DETAILS:
        same = "=" if label == "fax" else "<>"
        first = f"SELECT min(o.position) FROM {table} o WHERE o.person_id = d.person_id"  # noqa: S608
        first += f" AND o.label {same} 'fax'"
        run(
            f"UPDATE contact SET {name} = (SELECT min(d.{column}) FROM {table} d"  # noqa: S608
            f" WHERE d.person_id = contact.person_id AND d.label {same} 'fax'"
            f" AND d.position = ({first}))"
        )
    # The history of a person goes to the first contact.
    run(
        "UPDATE activity SET subject_type = 'contact', subject_id = (SELECT min(contact.id)"
        " FROM contact WHERE contact.person_id = activity.subject_id)"
        " WHERE subject_type = 'person' AND subject_id IN (SELECT person_id FROM contact)"
    )
    run("DELETE FROM activity WHERE subject_type = 'person'")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_constraint("fk_contact_person_id_person", type_="foreignkey")
        for name in ("person_id", "main"):
            batch_op.drop_constraint(f"uq_contact_account_id_{name}", type_="unique")
        batch_op.drop_index("ix_contact_person_id")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        for column in moved:
            if column.name not in ("email", "phone", "fax"):
                batch_op.alter_column(column.name, existing_type=column.type, nullable=False)
        batch_op.create_index("ix_contact_created_at", ["created_at"], unique=False)
        batch_op.drop_column("person_id")
        batch_op.drop_column("main")
    for table in ("person_phone", "person_email", "person_address", "person"):
        op.drop_table(table)


def make_tables() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", exact(20), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_key", exact(120), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("consent_given_on", sa.Date(), nullable=True),
        sa.Column("consent_how", sa.String(200), nullable=True),
        sa.Column("consent_withdrawn_on", sa.Date(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("reference", name=op.f("uq_person_reference")),
        **MYSQL,
    )
    op.create_index("ix_person_created_at", "person", ["created_at"])
    for column in ("name_key", "created_at"):
        op.create_index(f"ix_person_archived_at_person_{column}", "person", ["archived_at", column])
    make_details("person_phone", sa.Column("number", sa.String(40), nullable=False))
    make_details("person_email", sa.Column("email", sa.String(254), nullable=False))
    op.create_index("ix_person_email_email", "person_email", ["email"])
    make_details(
        "person_address",
        sa.Column("address", sa.String(300), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("region", sa.String(100), nullable=True),
        sa.Column("postal_code", sa.String(20), nullable=True),
        sa.Column("country", sa.String(100), nullable=True),
    )


def make_details(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(8), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f(f"fk_{table}_person_id_person"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        **MYSQL,
    )  # fmt: skip
    op.create_index(f"ix_{table}_person_id", table, ["person_id"])


def copy_people() -> None:
    """Write a person, with the same id, for each contact."""
    connection = op.get_bind()
    run(
        f"INSERT INTO person (id, reference, do_not_contact, {', '.join(MOVED)})"  # noqa: S608
        f" SELECT id, id, 0, {', '.join(MOVED)} FROM contact"
    )
    person = sa.table("person", sa.column("id"), sa.column("reference"))
    change = person.update().where(person.c.id == sa.bindparam("of"))
    change = change.values(reference=sa.bindparam("new"))
    for first, last in ranges("person"):
        found = sa.select(person.c.id).where(person.c.id.between(first, last))
        ids = connection.scalars(found).all()
        if ids:
            connection.execute(change, [{"of": id_, "new": new_reference()} for id_ in ids])
    for table, column, name, label, position in DETAILS:
        run(
            f"INSERT INTO {table} (person_id, position, label, {column})"  # noqa: S608
            f" SELECT id, {position}, '{label}', {name} FROM contact WHERE {name} IS NOT NULL"
        )


def index_words() -> None:
    """Write the search words of everything; this is the one migration that does."""
    connection = op.get_bind()
    run("DELETE FROM search_word WHERE subject_type IN ('account', 'good', 'person')")
    word = sa.table("search_word", *map(sa.column, ("subject_type", "word", "subject_id")))
    for table, statements in WORDS.items():
        for first, last in ranges(table):
            texts: dict[int, list[str | None]] = defaultdict(list)
            for statement in statements:
                rows = connection.execute(sa.text(statement), {"first": first, "last": last})
                for id_, *values in rows:
                    texts[id_] += values
            found = [
                {"subject_type": table, "word": each, "subject_id": id_}
                for id_, values in texts.items()
                for each in words_of(values)
            ]
            if found:
                connection.execute(sa.insert(word), found)


def ranges(table: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last id of each batch of rows."""
    last = op.get_bind().scalar(sa.text(f"SELECT max(id) FROM {table}"))  # noqa: S608
    for start in range(1, (last or 0) + 1, BATCH):
        yield start, start + BATCH - 1


def run(statement: str) -> None:
    op.get_bind().execute(sa.text(statement))
