"""The encoding of sessions as bytes, without pickle.

A row is an array of three: the time of creation, the time of the last use, and the data.
All other bytes, pickled ones included, are refused.
"""

from __future__ import annotations

from typing import Any

import msgspec
from markupsafe import Markup

from quarterdeck._lazy import LazyText
from quarterdeck.exceptions import SessionUnreadableError, SessionValueError

FORMATS = ("msgpack", "json")
_MARKUP = 1  # MessagePack's code for the one type of our own


class Envelope(msgspec.Struct, array_like=True, frozen=True):
    """A row, its data still encoded. Times are Unix times."""

    created: float
    seen: float
    raw: msgspec.Raw


class Codec:
    """Encodes and decodes in one of ``FORMATS``."""

    def __init__(self, form: str) -> None:
        self._encoder: msgspec.json.Encoder | msgspec.msgpack.Encoder
        self._envelopes: msgspec.json.Decoder[Envelope] | msgspec.msgpack.Decoder[Envelope]
        self._data: msgspec.json.Decoder[dict[str, Any]] | msgspec.msgpack.Decoder[dict[str, Any]]
        if form == "json":
            self._encoder = msgspec.json.Encoder(enc_hook=_as_text)
            self._envelopes = msgspec.json.Decoder(Envelope)
            self._data = msgspec.json.Decoder(dict[str, Any])
        else:
            self._encoder = msgspec.msgpack.Encoder(enc_hook=_as_extension)
            self._envelopes = msgspec.msgpack.Decoder(Envelope)
            self._data = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=_from_extension)

    def encode(self, data: dict[str, Any]) -> msgspec.Raw:
        """Return the bytes of the data alone.

        Raises:
            SessionValueError: If a value is of a type that cannot be stored.
        """
        try:
            return msgspec.Raw(self._encoder.encode(data))
        except (TypeError, ValueError, OverflowError, RecursionError):
            for key, value in data.items():
                self._check(key, value)
            raise

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values are stored as the same bytes."""
        return bool(self._encoder.encode(one) == self._encoder.encode(other))

    def _check(self, key: str, value: Any) -> None:
        try:
            self._encoder.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SessionValueError(key, str(error)) from error

    def seal(self, envelope: Envelope) -> bytes:
        """Return the bytes of a row."""
        return self._encoder.encode(envelope)

    def unseal(self, payload: bytes) -> tuple[Envelope, dict[str, Any]]:
        """Return a row and its data.

        Raises:
            SessionUnreadableError: If ``seal`` has not made the bytes.
        """
        try:
            envelope = self._envelopes.decode(payload)
            return envelope, self._data.decode(envelope.raw)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise SessionUnreadableError(str(error)) from error

    def decode(self, raw: msgspec.Raw) -> dict[str, Any]:
        """Return the data of an envelope once more."""
        return self._data.decode(raw)


def _as_extension(value: Any) -> Any:
    if isinstance(value, Markup):
        return msgspec.msgpack.Ext(_MARKUP, value.encode())
    if isinstance(value, LazyText):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be stored")


def _from_extension(code: int, data: memoryview) -> Any:
    if code == _MARKUP:
        return Markup(bytes(data).decode())  # noqa: S704  # it was markup when it was stored
    raise ValueError(f"unknown extension {code}")


def _as_text(value: Any) -> str:
    if isinstance(value, Markup):
        return str(value.__html__())  # comes back as plain text, so a template escapes it
    if isinstance(value, LazyText):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be stored")
