"""URL converters: a regular expression in the rule, and mobile numbers.

``quarterdeck.app.Quart`` has them already; any other Quart app gets them by
``register_converters(app)`` before its first route.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from werkzeug.routing import BaseConverter, Map, ValidationError

from .exceptions import InvalidExpressionError

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["MobileConverter", "RegexConverter", "register_converters"]


class RegexConverter(BaseConverter):
    r"""The text that a regular expression matches: ``<regex("\d{4}"):year>``.

    Subclass it and override ``to_python`` and ``to_url`` for another type.
    ``url_for`` refuses a value that the rule would not match. An expression with a
    slash in it may span path segments; any other stays within one.

    Raises:
        InvalidExpressionError: When the rule is added, if the expression is not valid.
    """

    def __init__(self, url_map: Map, expression: str) -> None:
        super().__init__(url_map)
        self.regex = str(expression)
        self.part_isolating = "/" not in self.regex
        try:
            self._pattern = re.compile(self.regex)
        except re.error as error:
            raise InvalidExpressionError(self.regex, str(error)) from None

    def to_url(self, value: Any) -> str:
        """Return a value as a part of a URL.

        Raises:
            werkzeug.routing.ValidationError: If the rule would not match it; ``url_for`` then
                looks for another rule.
        """
        if self._pattern.fullmatch(str(value)) is None:
            raise ValidationError(f"{value!r} does not match {self.regex!r}")
        return super().to_url(value)


class MobileConverter(RegexConverter):
    """A mobile number of mainland China, eleven digits: ``<mobile:number>``."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, "1[3-9][0-9]{9}")


def register_converters(app: Quart) -> None:
    """Make ``regex``, ``re`` and ``mobile`` known to the rules of an app."""
    app.url_map.converters.update(regex=RegexConverter, re=RegexConverter, mobile=MobileConverter)
