"""The files of an app or a blueprint, opened as in Flask: text is read in an encoding."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import aiofiles
from quart.typing import FilePath

READING = frozenset({"r", "rt", "rb"})


class Resources:
    """``open_resource`` for a class with a ``root_path``."""

    root_path: str

    async def open_resource(self, path: FilePath, mode: str = "rb", encoding: str = "utf-8") -> Any:
        """Open a file below ``root_path`` for reading::

            async with await app.open_resource("schema.sql", "r") as file:
                text = await file.read()

        Args:
            path: Its path, relative to ``root_path``.
            mode: "rb" for bytes, "r" or "rt" for text.
            encoding: That of text, whatever the machine prefers; ignored for bytes.

        Raises:
            ValueError: If ``mode`` would write.
        """
        if mode not in READING:
            raise ValueError(f"'{mode}' is not a mode for reading. Use 'r', 'rt' or 'rb'.")
        return open_file(Path(self.root_path), path, mode, encoding)


class InstanceResources(Resources):
    """``open_instance_resource`` for a class with an ``instance_path``."""

    instance_path: Any

    async def open_instance_resource(
        self, path: FilePath, mode: str = "rb", encoding: str = "utf-8"
    ) -> Any:
        """Open a file below ``instance_path``, also for writing; see ``open_resource``."""
        return open_file(Path(self.instance_path), path, mode, encoding)


def open_file(folder: Path, path: FilePath, mode: str, encoding: str) -> Any:
    name = os.fsdecode(os.fspath(path))
    chosen = None if "b" in mode else encoding
    return aiofiles.open(folder / name, mode, encoding=chosen)  # type: ignore[call-overload]  # the overloads take literal modes
