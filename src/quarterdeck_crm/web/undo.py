"""Messages with a button that undoes what they tell of."""

from __future__ import annotations

from quart import flash

UNDO = "undo:"  # begins the category of such a flash; the key of the step follows


async def flash_with_undo(message: str, key: str | None) -> None:
    """Show a message of success on the next page, with a button if there is a step to undo."""
    await flash(message, f"{UNDO}{key}" if key else "success")
