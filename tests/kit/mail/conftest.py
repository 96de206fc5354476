"""One mail server for the tests of a module, well again for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.smtp import MailServer, mail_server


@pytest.fixture(scope="module", name="_shared")
def _shared_server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def smtp(_shared: MailServer) -> MailServer:
    """A mail server that accepts everything; tests may change its answers."""
    _shared.answers.clear()
    _shared.refused.clear()
    _shared.received.clear()
    _shared.troubled.clear()
    _shared.connections = 0
    return _shared
