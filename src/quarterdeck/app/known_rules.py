"""The rules without variables that paths have led to, so that each is looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.routing import MapAdapter, Rule


class KnownRules:
    """Rules by path, method and subdomain.

    A rule without variables matches one path, so there are never more entries than rules and
    methods. Redirects and errors are not kept.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[Any, ...], Rule] = {}
        self._size = 0  # of the map; rules are added, and never removed

    def match(self, adapter: MapAdapter) -> tuple[Rule, Mapping[str, Any]]:
        """Return the rule of a request and its arguments.

        Raises:
            HTTPException: If there is none, for this method or at all, or the path redirects.
        """
        url_map = adapter.map
        if url_map.host_matching:
            return adapter.match(return_rule=True)
        if len(url_map._rules) != self._size:
            self._rules.clear()
            self._size = len(url_map._rules)
        key = (adapter.path_info, adapter.default_method, adapter.subdomain, adapter.websocket)
        rule = self._rules.get(key)
        if rule is not None:
            return rule, {}
        rule, arguments = adapter.match(return_rule=True)
        if not rule.arguments and not arguments:
            self._rules[key] = rule
        return rule, arguments
