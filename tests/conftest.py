"""What every test gets: the guards on the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture(autouse=True)
def blocking_calls_fail(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Raise BlockingError for any blocking call made on the event loop by our code."""
    with blockbuster_ctx(["quarterdeck", "quarterdeck_crm"]) as blockbuster:
        yield blockbuster
