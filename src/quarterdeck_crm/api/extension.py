"""quart-schema on an app that has a JSON provider, a test client and answers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart_schema import Info, QuartSchema, Tag
from quart_schema.openapi import APIKeySecurityScheme, HttpSecurityScheme

from .document import ApiDocument

if TYPE_CHECKING:
    from quart import Quart

VERSION = "1.0"
DESCRIPTION = """\
Everything that the pages can do with accounts, people, goods, orders, deals and tasks, for
programs.

Sign in with a token: `Authorization: Bearer qd_...`. Users make them on their profile page,
administrators with `crm token create`. Errors are problem documents (RFC 9457). Changes need the
`ETag` of what was read, as `If-Match`. A `POST` with an `Idempotency-Key` may be sent again.
"""


class ApiSchema(QuartSchema):
    """quart-schema for the checks and the document of the API, and for nothing else.

    Of itself it puts Flask's JSON provider in the place of the app's, which has limits and knows
    the types that we send; passes every answer of every page through a converter; wraps the test
    client and the WebSocket class; and adds pages that load scripts from foreign hosts. It also
    keeps the data of an app on itself: so each app has one of its own.
    """

    def __init__(self, app: Quart) -> None:
        super().__init__(
            app,
            openapi_path=None,
            conversion_preference="msgspec",
            openapi_provider_class=ApiDocument,
            info=Info(title="Quarterdeck CRM", version=VERSION, description=DESCRIPTION),
            tags=[
                Tag("Accounts", "Companies that we do business with."),
                Tag("Contacts", "The people at an account."),
                Tag("People", "People with their accounts, phone numbers and addresses."),
                Tag("Goods", "The goods."),
                Tag("Orders", "Orders with their lines, and the moves from state to state."),
                Tag("Deals", "The pipeline before the order."),
                Tag("Tasks", "Tasks, with due dates, assignees and links to records."),
                Tag("Tags", "Words and fields of your own for records."),
                Tag("Bulk changes", "The same change of many records."),
                Tag("Notes", "Notes and comments on records."),
                Tag("Notifications", "What you should know, kept until you read it."),
                Tag("Views", "Saved views of lists."),
                Tag("Search", "Everything at once."),
                Tag("Audit", "Sign-ins, and changes that matter for security."),
            ],
        )

    def init_app(self, app: Quart) -> None:
        """Register with an app, and leave the app as it was."""
        provider, client, websocket = app.json, app.test_client_class, app.websocket_class
        super().init_app(app)
        app.json, app.test_client_class, app.websocket_class = provider, client, websocket
        del app.make_response  # the wrapper on the instance; the method of the class is back
        command = app.cli.commands.pop("schema")
        command.help = "Print the OpenAPI document of the JSON API."
        app.cli.add_command(command, "openapi")
        self.security_schemes = security_schemes(app.config["SESSION_COOKIE_NAME"])


def security_schemes(cookie: str) -> dict[str, Any]:
    """Return the ways to sign in, as the document describes them."""
    return {
        "token": HttpSecurityScheme(scheme="bearer"),
        "session": APIKeySecurityScheme(name=cookie, in_="cookie"),
        "csrf": APIKeySecurityScheme(name="X-CSRFToken", in_="header"),
    }
