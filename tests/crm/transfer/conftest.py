"""The small business of the import tests: files of the shape of Microsoft's Northwind sample."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with customers, products, orders and their details, free to be changed."""
    folder = tmp_path / "files"
    shutil.copytree(Path(__file__).parent / "files", folder)
    return folder
