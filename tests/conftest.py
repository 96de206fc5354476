"""What every test gets: the guards on the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

MAY_BLOCK = [
    ("pymongo/pool_options.py", "get_container_env_info"),  # looks for a file, once per server
    ("quarterdeck/app/application.py", "__init__"),  # an app is built before it serves
    # Quart looks at a file (os.stat) before it sends it; the content is read in a thread.
    ("quart/helpers.py", ("send_file", "send_from_directory")),
    ("jinja2/environment.py", "_load_template"),  # Jinja reads a template once and keeps it
]


@pytest.fixture(autouse=True)
def blocking_calls_fail(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Raise BlockingError for any blocking call made on the event loop by our code."""
    with blockbuster_ctx(["quarterdeck", "quarterdeck_crm"]) as blockbuster:
        blockbuster.functions["os.path.abspath"].deactivate()  # it touches no disk
        for function in blockbuster.functions.values():
            for file, names in MAY_BLOCK:
                function.can_block_in(file, names)
        yield blockbuster
