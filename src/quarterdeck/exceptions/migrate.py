"""Errors of `quarterdeck.migrate`."""

from __future__ import annotations

from .base import QuarterdeckError


class MigrateDatabaseError(QuarterdeckError, TypeError):
    """``Migrate`` was initialised without a database."""

    def __init__(self) -> None:
        super().__init__("'Migrate' has no database. Write 'Migrate(app, db)'.")


class MigrationError(QuarterdeckError, RuntimeError):
    """Alembic refused; the base of all that can go wrong with migrations."""


class DatabaseUnreachableError(MigrationError, ConnectionError):
    """The database to be migrated does not answer."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"'{url}' does not answer: {reason}. Start it, or correct the URI.")


class MigrationsFolderError(MigrationError):
    """The folder of the migrations is missing, or is there already."""

    def __init__(self, folder: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{folder}' {problem}. {remedy}")


class MigrationsOutsideError(MigrationError):
    """``env.py`` was loaded by Alembic's own program."""

    def __init__(self) -> None:
        super().__init__(
            "'run_migrations' was called outside our commands. "
            "Use 'quart db upgrade' and its like instead of 'alembic'."
        )


class RevisionNotFoundError(MigrationError, LookupError):
    """No migration has that id, or more than one begin with it."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail.rstrip('.')}. 'db history' lists all revisions.")


class MultipleHeadsError(MigrationError):
    """Two lines of migrations stand side by side."""

    def __init__(self, heads: list[str]) -> None:
        super().__init__(
            f"The migrations have several heads: {', '.join(heads)}. "
            "Join them with 'db merge heads -m \"join\"'."
        )
        self.heads = heads


class MigrationsPendingError(MigrationError):
    """The database is behind the migrations."""

    def __init__(self, current: list[str], heads: list[str]) -> None:
        super().__init__(
            f"The database is at {', '.join(current) or 'no revision'}, the migrations are at "
            f"{', '.join(heads)}. Run 'db upgrade' first."
        )
        self.current = current
        self.heads = heads


class SchemaDriftError(MigrationError):
    """The models differ from the tables of the migrations."""

    def __init__(self, differences: list[str]) -> None:
        lines = "".join(f"\n  {difference}" for difference in differences)
        super().__init__(
            f"The models have changes that no migration makes:{lines}\n"
            "Run 'db migrate -m \"what changed\"' and read what it writes."
        )
        self.differences = differences


class ForeignKeyViolationError(MigrationError):
    """A migration left rows that point to rows that are not there; it was undone."""

    def __init__(self, tables: list[str]) -> None:
        names = ", ".join(f"'{table}'" for table in tables)
        super().__init__(
            f"{names} would have rows whose foreign key points nowhere. "
            "The migration was undone; let it delete or correct those rows first."
        )
        self.tables = tables


class MigrationLockedError(MigrationError, TimeoutError):
    """Another process is migrating the same database and takes too long."""

    def __init__(self, lock: str, seconds: float) -> None:
        super().__init__(
            f"'{lock}' is held by another process that migrates the database, "
            f"and was not free within {seconds:g} s. Wait for it, or raise MIGRATE_LOCK_SECONDS."
        )
