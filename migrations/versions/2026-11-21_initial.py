"""The first tables: people, accounts, goods and orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from quarterdeck.sqlalchemy import ExactDecimal, UTCDateTime

revision = "a8b773b3fc33"
down_revision = None
branch_labels = None
depends_on = None


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="NOCASE"), "sqlite")


def upgrade() -> None:
    op.create_table(
        "good",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", words(200), nullable=False),
        sa.Column("category", words(80), nullable=True),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("price", ExactDecimal(precision=15, scale=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_good_price_not_negative")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_good_stock_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_good")),
        sa.UniqueConstraint("code", name=op.f("uq_good_code")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("good") as batch_op:
        batch_op.create_index(batch_op.f("ix_good_archived_at"), ["archived_at"])
        batch_op.create_index(batch_op.f("ix_good_category"), ["category"])
        batch_op.create_index(batch_op.f("ix_good_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_good_name"), ["name"])

    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", words(120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column(
            "role",
            sa.Enum("User", "Moderator", "Admin", name="role", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "standard",
                "manager",
                "senior_manager",
                "manufacturer",
                name="userkind",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("department", words(80), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("balance", ExactDecimal(precision=15, scale=3), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("auth_version", sa.Integer(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("user") as batch_op:
        batch_op.create_index(batch_op.f("ix_user_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_user_department"), ["department"])
        batch_op.create_index(batch_op.f("ix_user_name"), ["name"])

    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("name", words(200), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("website", sa.String(length=300), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("city", words(100), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("country", words(100), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_account_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("code", name=op.f("uq_account_code")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("account") as batch_op:
        batch_op.create_index(batch_op.f("ix_account_archived_at"), ["archived_at"])
        batch_op.create_index(batch_op.f("ix_account_city"), ["city"])
        batch_op.create_index(batch_op.f("ix_account_country"), ["country"])
        batch_op.create_index(batch_op.f("ix_account_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_account_name"), ["name"])
        batch_op.create_index(batch_op.f("ix_account_owner_id"), ["owner_id"])

    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name=op.f("fk_activity_actor_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("activity") as batch_op:
        batch_op.create_index(batch_op.f("ix_activity_actor_id"), ["actor_id"])
        batch_op.create_index(batch_op.f("ix_activity_at"), ["at"])
        batch_op.create_index(
            batch_op.f("ix_activity_subject_type_activity_subject_id_activity_id"),
            ["subject_type", "subject_id", "id"],
        )

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", words(120), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("fax", sa.String(length=40), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_contact_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("contact") as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_account_id"), ["account_id"])
        batch_op.create_index(batch_op.f("ix_contact_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_contact_name"), ["name"])

    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_note_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name=op.f("fk_note_author_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("note") as batch_op:
        batch_op.create_index(batch_op.f("ix_note_account_id"), ["account_id"])
        batch_op.create_index(batch_op.f("ix_note_author_id"), ["author_id"])
        batch_op.create_index(batch_op.f("ix_note_created_at"), ["created_at"])

    op.create_table(
        "order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "confirmed",
                "shipped",
                "paid",
                "cancelled",
                name="orderstate",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", ExactDecimal(precision=18, scale=6), nullable=False),
        sa.Column("freight", ExactDecimal(precision=15, scale=3), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("required_on", sa.Date(), nullable=True),
        sa.Column("shipped_on", sa.Date(), nullable=True),
        sa.Column("ship_name", sa.String(length=200), nullable=True),
        sa.Column("ship_address", sa.String(length=300), nullable=True),
        sa.Column("ship_city", sa.String(length=100), nullable=True),
        sa.Column("ship_region", sa.String(length=100), nullable=True),
        sa.Column("ship_postal_code", sa.String(length=20), nullable=True),
        sa.Column("ship_country", sa.String(length=100), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_order_account_id_account")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_order_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order")),
        sa.UniqueConstraint("number", name=op.f("uq_order_number")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("order") as batch_op:
        batch_op.create_index(batch_op.f("ix_order_account_id_order_id"), ["account_id", "id"])
        batch_op.create_index(batch_op.f("ix_order_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_order_ordered_on"), ["ordered_on"])
        batch_op.create_index(batch_op.f("ix_order_owner_id"), ["owner_id"])
        batch_op.create_index(batch_op.f("ix_order_state_order_id"), ["state", "id"])

    op.create_table(
        "order_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("good_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", ExactDecimal(precision=15, scale=3), nullable=False),
        sa.Column("discount", ExactDecimal(precision=4, scale=3), nullable=False),
        sa.Column("amount", ExactDecimal(precision=18, scale=6), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_order_line_price_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity_positive")),
        sa.ForeignKeyConstraint(["good_id"], ["good.id"], name=op.f("fk_order_line_good_id_good")),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["order.id"],
            name=op.f("fk_order_line_order_id_order"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("order_line") as batch_op:
        batch_op.create_index(batch_op.f("ix_order_line_good_id"), ["good_id"])
        batch_op.create_index(batch_op.f("ix_order_line_order_id"), ["order_id"])


def downgrade() -> None:
    op.drop_table("order_line")
    op.drop_table("order")
    op.drop_table("note")
    op.drop_table("contact")
    op.drop_table("activity")
    op.drop_table("account")
    op.drop_table("user")
    op.drop_table("good")
