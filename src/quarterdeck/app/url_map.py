"""The URL map, which looks up the path of a rule without variables once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quart.routing import QuartMap
from werkzeug.routing import MapAdapter, Rule, RuleFactory


class UrlMap(QuartMap):
    """Remembers rules by path, method and subdomain.

    A rule without variables matches one path, so there are never more entries than rules and
    methods. Redirects and errors are not kept.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._known: dict[tuple[Any, ...], Rule] = {}
        super().__init__(*args, **options)

    def add(self, rulefactory: RuleFactory) -> None:
        """Add rules; they may come before others that match the same path."""
        self._known.clear()
        super().add(rulefactory)

    def known_rule(self, adapter: MapAdapter) -> tuple[Rule, Mapping[str, Any]]:
        """Return the rule of a request and its arguments, as ``match``."""
        key = (adapter.path_info, adapter.default_method, adapter.subdomain, adapter.websocket)
        rule = self._known.get(key)
        if rule is not None:
            return rule, {}
        rule, arguments = adapter.match(return_rule=True)
        if not rule.arguments and not arguments:
            self._known[key] = rule
        return rule, arguments


def match(adapter: MapAdapter) -> tuple[Rule, Mapping[str, Any]]:
    """Return the rule of a request and its arguments.

    Raises:
        HTTPException: If there is none, for this method or at all, or the path redirects.
    """
    url_map = adapter.map
    if isinstance(url_map, UrlMap) and not url_map.host_matching:
        return url_map.known_rule(adapter)
    return adapter.match(return_rule=True)
