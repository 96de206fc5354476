"""The OpenAPI document of an app, and the command that prints it.

Only these import quart-schema, which builds the document: a server starts without it.
"""

from __future__ import annotations

from typing import Any

import click
from quart import Quart, current_app

from quarterdeck.commands import async_command

NAME = "quarterdeck_crm.api"


class ApiSchema:
    """The document of the API, in ``app.extensions``, and the command ``openapi``."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        app.extensions[NAME] = self
        app.cli.add_command(openapi_command)

    def document(self) -> dict[str, Any]:
        """Return the document."""
        from .document import describe  # it imports quart-schema

        return describe(self._app)


def openapi_document() -> dict[str, Any]:
    """Return the document of the current app."""
    schema: ApiSchema = current_app.extensions[NAME]
    return schema.document()


@click.command("openapi")
@click.option("--output", "-o", type=click.Path(), help="Write the document to this file.")
@async_command
def openapi_command(output: str | None) -> None:
    """Print the OpenAPI document of the JSON API."""
    text = current_app.json.dumps(openapi_document(), indent=2)
    with click.open_file(output or "-", "w", encoding="utf-8") as file:
        click.echo(text, file=file)
