"""URLs that a page builds again and again, remembered whole or as the text around a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.routing import BaseConverter, IntegerConverter, Map, MapAdapter, PathConverter

MAX_PATTERNS = 2_000
_SAMPLE = 987654321  # stands for the number while a URL is built to see its text

_TEXTS = frozenset({str})

Pattern = tuple[str, str]


class UrlPatterns:
    """The URLs of endpoints without values, of files, and those with one whole number.

    A link in each row of a list is then put together from two texts. Only rules whose URL
    depends on nothing but the value are remembered: one rule for the endpoint, whose converter
    is werkzeug's, without functions for defaults, in a map that does not match hosts.

    Args:
        defaults: The functions for defaults, by the name of the blueprint.
    """

    def __init__(self, defaults: Mapping[str | None, object]) -> None:
        self._defaults = defaults
        self._known: dict[tuple[Any, ...], Pattern | None] = {}

    def build(self, adapter: MapAdapter, endpoint: str, values: dict[str, Any]) -> str | None:
        """Return the URL, None if it has to be built by the adapter."""
        name = number = file = None
        if values:
            name, value = next(iter(values.items()))
            if "filename" in values and _TEXTS.issuperset(map(type, values.values())):
                name, file = "filename", (*values.items(),)
            elif len(values) > 1:
                return None
            elif type(value) is int and value >= 0:
                number = value
            elif value is None:  # as if it were not given
                name = None
            else:
                return None
        rules = adapter.map._rules_by_endpoint.get(endpoint, ())
        key = (endpoint, name, file, adapter.script_name, adapter.subdomain, len(rules))
        try:
            pattern = self._known[key]
        except KeyError:
            pattern = self._find(adapter, endpoint, name, file)
            if len(self._known) >= MAX_PATTERNS:
                self._known.clear()
            self._known[key] = pattern
        if pattern is None:
            return None
        return pattern[0] if number is None else f"{pattern[0]}{number}{pattern[1]}"

    def _find(
        self,
        adapter: MapAdapter,
        endpoint: str,
        name: str | None,
        file: tuple[tuple[str, str], ...] | None,
    ) -> Pattern | None:
        """Return the texts around the number of a URL, None if it is not that simple."""
        owners = (owner for owner, functions in self._defaults.items() if functions)
        if any(owner is None or endpoint.startswith(f"{owner}.") for owner in owners):
            return None
        if not _is_simple(
            adapter.map, endpoint, name, IntegerConverter if file is None else PathConverter
        ):
            return None
        if name is None or file is not None:
            url = adapter.build(endpoint, dict(file or ()))
            return (url, "") if url.startswith("/") else None
        url = adapter.build(endpoint, {name: _SAMPLE})
        before, _, after = url.partition(str(_SAMPLE))
        is_relative = url.startswith("/") and str(_SAMPLE) not in after
        return (before, after) if is_relative else None


def _is_simple(url_map: Map, endpoint: str, name: str | None, kind: type[BaseConverter]) -> bool:
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
    is_known = isinstance(converter, kind) and type(converter).to_url is kind.to_url
    return is_known and not getattr(converter, "fixed_digits", 0)
