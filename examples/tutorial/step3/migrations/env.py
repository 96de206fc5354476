"""Alembic's door to the app. The settings are those of ``Migrate(app, db, ...)``."""

from quarterdeck.migrate import run_migrations

run_migrations()
