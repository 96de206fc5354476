"""URL rules with every option of werkzeug's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart.routing import QuartRule
from werkzeug.routing import Rule as WerkzeugRule


class Rule(QuartRule):
    """A rule that also takes ``redirect_to``, ``alias`` and ``build_only``.

    Args:
        string: The rule itself.
        redirect_to: A path, ``"/home/<nid>"``, or a function of the URL adapter and the
            rule's values that returns one. A match answers 308 with it and calls no view.
        provide_automatic_options: Whether the app answers OPTIONS for the view.
        options: What ``werkzeug.routing.Rule`` takes.
    """

    def __init__(
        self,
        string: str,
        *,
        redirect_to: str | Callable[..., str] | None = None,
        provide_automatic_options: bool = False,
        **options: Any,
    ) -> None:
        WerkzeugRule.__init__(self, string, redirect_to=redirect_to, **options)
        self.provide_automatic_options = provide_automatic_options
