"""The packages of extras: one that is missing is named with the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from .exceptions import MissingPackageError


def needs(extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Raises:
        MissingPackageError: If one is not.
    """
    for package in packages:
        if not _is_installed(package):
            raise MissingPackageError(package, extra)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
