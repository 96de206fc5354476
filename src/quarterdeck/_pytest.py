"""The pytest plugin of the kit, as its entry point.

It adds one ini key. Only a project that sets it gets the fixtures, so that the plugin does not
disturb the tests of other projects, and costs them no import of the kit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

INI = "quart_app"
FIXTURES = "quarterdeck.testing.fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the key that names the app under test."""
    parser.addini(
        INI,
        "The app of Quarterdeck's fixtures: 'module:create_app' or 'module:app'. "
        "Without it, there are no such fixtures.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures, if the project asks for them.

    Raises:
        MissingPackageError: If pytest-asyncio is not installed.
    """
    if config.getini(INI):
        from ._extras import needs  # only here, because it imports Werkzeug

        needs("testing", "pytest_asyncio")
        config.pluginmanager.import_plugin(FIXTURES)
