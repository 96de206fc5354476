"""URLs that a page builds again and again, remembered as the text around a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.routing import IntegerConverter, Map, MapAdapter

MAX_PATTERNS = 2_000
_SAMPLE = 987654321  # stands for the number while a URL is built to see its text

Pattern = tuple[str, str]


class UrlPatterns:
    """The URLs of endpoints without values, or with one whole number and nothing else.

    A link in each row of a list is then put together from two texts. Only rules whose URL
    depends on nothing but the number are remembered: one rule for the endpoint, whose converter
    writes numbers as werkzeug's does, without functions for defaults, in a map that does not
    match hosts.

    Args:
        defaults: The functions for defaults, by the name of the blueprint.
    """

    def __init__(self, defaults: Mapping[str | None, object]) -> None:
        self._defaults = defaults
        self._known: dict[tuple[Any, ...], Pattern | None] = {}

    def build(self, adapter: MapAdapter, endpoint: str, values: dict[str, Any]) -> str | None:
        """Return the URL, None if it has to be built by the adapter."""
        name = number = None
        if values:
            name, number = next(iter(values.items()))
            if len(values) > 1 or type(number) is not int or number < 0:
                return None
        rules = adapter.map._rules_by_endpoint.get(endpoint, ())
        key = (endpoint, name, adapter.script_name, adapter.subdomain, len(rules))
        try:
            pattern = self._known[key]
        except KeyError:
            pattern = self._find(adapter, endpoint, name)
            if len(self._known) >= MAX_PATTERNS:
                self._known.clear()
            self._known[key] = pattern
        if pattern is None:
            return None
        return pattern[0] if name is None else f"{pattern[0]}{number}{pattern[1]}"

    def _find(self, adapter: MapAdapter, endpoint: str, name: str | None) -> Pattern | None:
        """Return the texts around the number of a URL, None if it is not that simple."""
        owners = (owner for owner, functions in self._defaults.items() if functions)
        if any(owner is None or endpoint.startswith(f"{owner}.") for owner in owners):
            return None
        if not _is_simple(adapter.map, endpoint, name):
            return None
        if name is None:
            url = adapter.build(endpoint, {})
            return (url, "") if url.startswith("/") else None
        url = adapter.build(endpoint, {name: _SAMPLE})
        before, _, after = url.partition(str(_SAMPLE))
        is_relative = url.startswith("/") and str(_SAMPLE) not in after
        return (before, after) if is_relative else None


def _is_simple(url_map: Map, endpoint: str, name: str | None) -> bool:
    rules = url_map._rules_by_endpoint.get(endpoint, ())
    if url_map.host_matching or len(rules) != 1:
        return False
    (rule,) = rules
    if rule.defaults or rule.websocket:
        return False
    if rule.arguments != ({name} if name else set()):
        return False
    if name is None:
        return True
    converter = rule._converters[name]
    is_number = isinstance(converter, IntegerConverter) and not converter.fixed_digits
    return is_number and type(converter).to_url is IntegerConverter.to_url
