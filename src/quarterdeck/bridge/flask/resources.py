"""The files of an app or a blueprint, opened for plain code and for async code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quarterdeck.app.resources import open_file
from quarterdeck.bridge.colours import is_async_caller


class Resources:
    """``open_resource`` returns an open file; an ``async def`` awaits an async one."""

    root_path: str

    def open_resource(self, path: Any, mode: str = "rb", encoding: str = "utf-8") -> Any:
        """Open a file below ``root_path``."""
        return _open(Path(self.root_path), path, mode, encoding, is_async_caller())


class InstanceResources(Resources):
    """The same for the instance folder of an app."""

    instance_path: Any

    def open_instance_resource(self, path: Any, mode: str = "rb", encoding: str = "utf-8") -> Any:
        """Open a file below ``instance_path``, also for writing."""
        return _open(Path(self.instance_path), path, mode, encoding, is_async_caller())


def _open(folder: Path, path: Any, mode: str, encoding: str, is_async: bool) -> Any:
    if is_async:
        return _opened(folder, path, mode, encoding)
    chosen = None if "b" in mode else encoding
    return (folder / path).open(mode, encoding=chosen)


async def _opened(folder: Path, path: Any, mode: str, encoding: str) -> Any:
    return open_file(folder, path, mode, encoding)
