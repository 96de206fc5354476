"""Texts that are translated when they are used, for labels and constants of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from markupsafe import Markup, escape

from quarterdeck._lazy import LazyText


class LazyString(LazyText):
    """A text that is made each time when it is used, in the language of that reader.

    It behaves as its text. HTML escapes it, with its variables.
    """

    def __init__(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        self._func = func
        self._args = args
        self._kwargs = kwargs

    def __str__(self) -> str:
        return str(self._func(*self._args, **self._kwargs))

    def __html__(self) -> Markup:
        return escape(str(self))

    def __repr__(self) -> str:
        return f"l'{self}'"

    def __getattr__(self, name: str) -> Any:
        # Copies and pickles ask for these before the object has its attributes.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(str(self), name)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(str(self))

    def __len__(self) -> int:
        return len(str(self))

    def __getitem__(self, key: Any) -> str:
        return str(self)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __contains__(self, item: Any) -> bool:
        return str(item) in str(self)

    def __add__(self, other: Any) -> str:
        return str(self) + str(other)

    def __radd__(self, other: Any) -> str:
        return str(other) + str(self)

    def __mul__(self, other: int) -> str:
        return str(self) * other

    __rmul__ = __mul__

    def __mod__(self, other: Any) -> str:
        text: str = str(self) % other
        return text

    def __rmod__(self, other: Any) -> str:
        return str(other) + str(self)

    def __eq__(self, other: object) -> bool:
        return str(self) == (str(other) if isinstance(other, LazyText) else other)

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __le__(self, other: Any) -> bool:
        return str(self) <= str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)

    def __ge__(self, other: Any) -> bool:
        return str(self) >= str(other)
