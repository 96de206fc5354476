"""A CRM that sends mail: to a list in memory, where no test asks for a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from quart import Quart

from quarterdeck.mail import Message
from quarterdeck_crm.extensions import mail

SENDS = {
    "MAIL_BACKEND": "memory",
    "MAIL_SUPPRESS_SEND": False,
    "MAIL_DEFAULT_SENDER": "Quarterdeck <crm@example.com>",
    "PUBLIC_URL": "https://crm.example.com/desk",
}


@pytest.fixture
def settings() -> dict[str, Any]:
    return SENDS


@pytest.fixture
def sent(app: Quart) -> Iterator[list[Message]]:
    """The mails whose transaction was committed."""
    with mail.record_messages() as messages:
        yield messages
