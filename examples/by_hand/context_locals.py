"""Local, LocalStack and LocalProxy, built on ContextVar. Run it; docs/contexts.md explains it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import MappingProxyType, SimpleNamespace
from typing import Any


class Local:
    """An object with attributes of its own in every task and thread."""

    def __init__(self) -> None:
        object.__setattr__(self, "_values", ContextVar("values", default=MappingProxyType({})))

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values.get()[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._values.set({**self._values.get(), name: value})  # never change what others see


class LocalStack:
    """A stack of its own in every task and thread."""

    def __init__(self) -> None:
        self._local = Local()

    def push(self, item: Any) -> None:
        self._local.items = (*getattr(self._local, "items", ()), item)

    def pop(self) -> None:
        self._local.items = self._local.items[:-1]

    @property
    def top(self) -> Any:
        items = getattr(self._local, "items", ())
        if not items:
            raise RuntimeError("Not within a context")
        return items[-1]


class LocalProxy:
    """A name to import once that means another object each time it is used."""

    def __init__(self, stack: LocalStack, name: str) -> None:
        object.__setattr__(self, "_find", lambda: getattr(stack.top, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)


contexts = LocalStack()
request: Any = LocalProxy(contexts, "request")
g: Any = LocalProxy(contexts, "g")


async def view() -> str:
    """Knows its request without having been handed it."""
    g.user = f"user of {request.path}"
    await asyncio.sleep(0.01)  # the other requests run here
    return f"{request.path}: {g.user}"


async def handle(path: str) -> str:
    contexts.push(SimpleNamespace(request=SimpleNamespace(path=path), g=SimpleNamespace()))
    try:
        return await view()
    finally:
        contexts.pop()


async def main() -> list[str]:
    return await asyncio.gather(*(handle(f"/{number}") for number in range(3)))


if __name__ == "__main__":
    print("\n".join(asyncio.run(main())))
