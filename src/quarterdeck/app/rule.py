"""URL rules with every option of werkzeug's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from quart.routing import QuartRule
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import BaseConverter
from werkzeug.routing import Rule as WerkzeugRule
from werkzeug.routing.rules import RulePart

DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}

Build = Callable[..., tuple[str, str]]


def is_host_of(server_name: str, request: BaseRequestWebsocket) -> bool:
    """Whether a request names the host of SERVER_NAME or a subdomain of it."""
    port = DEFAULT_PORTS.get(request.scheme, "")
    host = request.host.lower().removesuffix(port)
    wanted = server_name.lower().removesuffix(port)
    return host == wanted or host.endswith(f".{wanted}")


class Rule(QuartRule):
    """A rule that also takes ``redirect_to``, ``alias`` and ``build_only``.

    Args:
        string: The rule itself.
        redirect_to: A path, ``"/home/<nid>"``, or a function of the URL adapter and the
            rule's values that returns one. A match answers 308 with it and calls no view.
        provide_automatic_options: Whether the app answers OPTIONS for the view.
        options: The arguments of ``werkzeug.routing.Rule``.
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

    def get_converter(
        self,
        variable_name: str,
        converter_name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> BaseConverter:
        """Return a converter of the map for a variable, and note which one it was."""
        made = super().get_converter(variable_name, converter_name, args, kwargs)
        self._variables.append(_Variable(variable_name, converter_name, args, kwargs))
        return made

    def _parse_rule(self, rule: str) -> Iterable[RulePart]:
        """Return the parts of a rule, which all apps of the process share.

        Parsing took a third of the time of making an app with 120 rules, and a test suite makes
        an app for each test. A rule is parsed again if its converters match something else.
        """
        self._variables: list[_Variable] = []
        if known := _parsed.get(rule):
            converters = [self.get_converter(*variable) for variable in known.variables]
            if known.patterns == [_pattern(each) for each in converters]:
                names = [variable.name for variable in known.variables]
                self._trace += known.trace
                self._converters |= zip(names, converters, strict=True)
                self.arguments |= set(names)
                return known.parts
            self._variables = []
        start = len(self._trace)
        parts = list(super()._parse_rule(rule))
        patterns = [_pattern(self._converters[variable.name]) for variable in self._variables]
        _parsed[rule] = _Parsed(self._variables, patterns, self._trace[start:], parts)
        return parts

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        """Return the function that builds URLs of this rule, compiled when it is first called.

        Werkzeug compiles two of them for every rule, and a process builds URLs of few: it was a
        fifth of the time that it takes to make an app with 120 rules. Defaults are still checked
        at once. Apps share the functions: a function depends on the text of its rule only.
        """
        if self.defaults:
            return super()._compile_builder(append_unknown)
        compile_builder = super()._compile_builder
        compiled: Build | None = None

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                key = (append_unknown, *rule._trace)
                compiled = _builders.get(key) or compile_builder(append_unknown)
                _builders[key] = compiled
            return compiled(rule, **values)

        return build


class _Variable(NamedTuple):
    """A variable of a rule, as the arguments of ``Rule.get_converter``."""

    name: str
    converter: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class _Parsed(NamedTuple):
    """A parsed rule: it holds for converters of the same patterns."""

    variables: list[_Variable]
    patterns: list[tuple[str, int, bool]]
    trace: list[tuple[bool, str]]
    parts: list[RulePart]


def _pattern(converter: BaseConverter) -> tuple[str, int, bool]:
    return converter.regex, converter.weight, converter.part_isolating


_parsed: dict[str, _Parsed] = {}
_builders: dict[tuple[Any, ...], Build] = {}
