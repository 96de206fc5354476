"""JSON by msgspec: faster, strict input, ISO 8601 output."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from flask.json.provider import JSONProvider
from werkzeug.datastructures import MultiDict

from quarterdeck._lazy import LazyText
from quarterdeck._unawaited import error_of


class MsgspecJSONProvider(JSONProvider):
    """The provider of ``app.json``, ``jsonify`` and the ``tojson`` filter.

    Attributes:
        sort_keys: Sort the keys of objects; else they keep their order.
        mimetype: Of the responses of ``jsonify``.
    """

    sort_keys = False
    mimetype = "application/json"

    def dumps(self, obj: Any, *, indent: int | None = None, **kwargs: Any) -> str:
        """Return ``obj`` as JSON text.

        Args:
            obj: Anything of the JSON types, dates, times, Decimal, UUID, enums, sets,
                dataclasses, msgspec structs, bytes (as base64), ``__html__`` objects.
            indent: Spaces per level, for people.
            kwargs: Only ``sort_keys`` has a meaning here.

        Raises:
            TypeError: If something in it has no JSON form.
        """
        data = self._encode(obj, bool(kwargs.get("sort_keys", self.sort_keys)))
        if indent is not None:
            data = msgspec.json.format(data, indent=indent)
        return data.decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Decode JSON text or UTF-8 bytes.

        Raises:
            ValueError: If it is not JSON. NaN, Infinity and lone surrogates are not.
        """
        try:
            return msgspec.json.decode(s)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Return a JSON response; this is ``jsonify``."""
        obj = self._prepare_response_obj(args, kwargs)
        data = self._encode(obj, self.sort_keys) + b"\n"  # as Flask, for people with 'curl'
        return cast(Any, self._app.response_class)(data, mimetype=self.mimetype)

    def _encode(self, obj: Any, sort_keys: bool) -> bytes:
        return msgspec.json.encode(
            _flat(obj), enc_hook=_encode_other, order="sorted" if sort_keys else None
        )


def _flat(value: Any) -> Any:
    """Return the value with each MultiDict as a dict of first values, as Flask writes it.

    Looks into dictionaries, not into lists: msgspec takes a MultiDict for a dict of lists, and
    a long list of records should not be walked for it.
    """
    kind = type(value)
    if kind is dict:
        for key, inner in value.items():
            if type(inner) not in _PLAIN and (flat := _flat(inner)) is not inner:
                value = {**value, key: flat}
        return value
    return value.to_dict() if isinstance(value, MultiDict) else value


_PLAIN = frozenset({str, int, float, bool, type(None), list})


def _encode_other(obj: Any) -> Any:
    if isinstance(obj, LazyText):
        return str(obj)
    if hasattr(obj, "__html__"):
        return str(obj.__html__()).__str__()
    for kind in (str, int, float):
        if isinstance(obj, kind):
            return kind(obj)
    if (not_awaited := error_of(obj)) is not None:
        raise not_awaited
    remedy = "Call 'to_dict()' on it" if hasattr(obj, "to_dict") else "Turn it into a dict or text"
    raise TypeError(f"'{type(obj).__name__}' has no JSON form. {remedy} first.")


def nests_deeper_than(value: Any, limit: int) -> bool:
    """Whether a decoded document has more than ``limit`` arrays and objects in each other."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in (dict, list)
        ]
    return bool(level)
