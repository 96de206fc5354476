"""Progress bars. rich is imported with the first of them, since no server needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

Progress = Callable[[int, int | None], None]


@asynccontextmanager
async def progress_bar(text: str) -> AsyncIterator[Progress]:
    """Show a bar on stderr while the block runs.

    Yields:
        A function to call with how many are done, and how many there are; None if unknown.
    """
    # In a thread, because an import reads files.
    rich: Any = await asyncio.to_thread(import_module, "rich.progress")
    console: Any = await asyncio.to_thread(import_module, "rich.console")
    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
