"""The ``crm`` program: its own commands and those of the packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck.commands import CommandEntry, create_group

if TYPE_CHECKING:
    from collections.abc import Callable

    import click
    from quart import Quart

# The list of 'crm --help'. The app, with its models, is built for a command of its own only.
ENTRIES = {
    # The supervisor of several workers must not hold the app.
    "serve": CommandEntry(
        "Serve the CRM until SIGTERM or Ctrl-C, finishing the requests under way.",
        "quarterdeck_crm.cli.serve:serve",
    ),
    # It must work without a valid configuration.
    "watch": CommandEntry(
        "Print the events of ROOM until Ctrl-C.", "quarterdeck_crm.cli.watch:watch"
    ),
    # Those of the app.
    "attachments": CommandEntry("Look after the stored files."),
    "audit": CommandEntry("Read the audit log, and remove what is old."),
    "babel": CommandEntry("Make and compile catalogues of translations."),
    "check": CommandEntry("List settings of the app that cannot work, each with the remedy."),
    "db": CommandEntry("Change the schema of the database step by step."),
    "demo": CommandEntry(
        "Fill an empty database with demonstration data, in many languages and scripts."
    ),
    "export": CommandEntry("Export CSV files that can be imported again."),
    "import": CommandEntry(
        "Import CSV files: checked before anything is written, safe to run again."
    ),
    "jobs": CommandEntry("List the scheduled jobs, run them, pause and resume them."),
    "mail": CommandEntry("Look after the mail that waits in the outbox."),
    "openapi": CommandEntry("Print the OpenAPI document of the JSON API."),
    "run": CommandEntry(
        "Serve for development: with tracebacks, and restart after each change of the code."
    ),
    "search": CommandEntry("The words that searches find, and the keys of likely duplicates."),
    "sessions": CommandEntry("List and end the browser sessions of a user."),
    "sums": CommandEntry("Compare the sums of the dashboard with the orders, or rebuild them."),
    "token": CommandEntry("Make and revoke the tokens with which programs use the JSON API."),
    "user": CommandEntry("Create users, shut them out and let them in again."),
}


def make_program(create_app: Callable[[], Quart]) -> click.Group:
    """Return the ``crm`` program, whose commands work on the app that ``create_app`` makes."""
    return create_group(create_app, name="crm", help="Run and look after the CRM.", entries=ENTRIES)
