"""Plain Quart, for tests of rooms that work without our application object."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import quart

from quarterdeck.app.testing import TestClient

QUART = tuple(int(part) for part in version("quart").split(".")[:2])

#: For a behaviour of stock Quart that its version 0.23 no longer has.
until_quart_0_22 = pytest.mark.skipif(QUART > (0, 22), reason="stock Quart 0.23 differs")


class Quart(quart.Quart):
    """Stock Quart with our test client, which reports close codes in every version of Quart."""

    test_client_class = TestClient  # type: ignore[assignment]  # Quart declares a protocol
