"""Load, before the fork, what each worker would otherwise load with its first requests."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any

from .worker import loop_factory

MAX_TEMPLATES = 400  # as many as Jinja keeps by default


def preload(app: Any) -> None:
    """Compile the templates and URL rules of an app, which its workers then share.

    No event loop, thread or connection is opened. A file that is no template, or has a mistake,
    is left to the request that uses it.
    """
    loop_factory()
    if hasattr(app, "url_map"):
        app.url_map.update()
    environment = getattr(app, "jinja_env", None)
    if environment is None:
        return
    for name in islice(environment.list_templates(), MAX_TEMPLATES):
        with suppress(Exception):  # the request that uses it shows the error
            environment.get_template(name)
