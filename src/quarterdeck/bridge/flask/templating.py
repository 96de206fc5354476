"""Templates: rendered at once for plain code, awaited in an ``async def``."""

from __future__ import annotations

from typing import Any

import quart
from flask.templating import DispatchingJinjaLoader

from quarterdeck.app.templating import Environment
from quarterdeck.bridge.colours import coloured

from .wrappers import BothWays

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]

render_template = coloured(quart.render_template, name="render_template")
render_template_string = coloured(quart.render_template_string, name="render_template_string")


@coloured
async def stream_template(template: Any, **context: Any) -> Any:
    """Return the pieces of a template, for a response."""
    return BothWays(await quart.stream_template(template, **context))


@coloured
async def stream_template_string(source: str, **context: Any) -> Any:
    """Return the pieces of a template in a string, for a response."""
    return BothWays(await quart.stream_template_string(source, **context))
