"""The group of async commands, without Quart: its import would take most of the time of a help."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

import click

if TYPE_CHECKING:
    from ._cli import AppGroup


class AsyncGroup(click.Group):
    """The common part of ``AppGroup`` and the programs; a command imports Quart."""

    @overload
    def command(self, function: Callable[..., Any], /) -> click.Command: ...

    @overload
    def command(
        self,
        name: str | None = None,
        *,
        with_appcontext: bool = True,
        lifespan: bool = False,
        **attributes: Any,
    ) -> Callable[[Callable[..., Any]], click.Command]: ...

    def command(
        self,
        name: Any = None,
        *,
        with_appcontext: bool = True,
        lifespan: bool = False,
        **attributes: Any,
    ) -> Any:
        """Register a command; the docstring is its help, as in click."""

        def decorate(function: Callable[..., Any]) -> click.Command:
            from ._cli import async_command, is_command

            if not is_command(function):
                function = async_command(app_context=with_appcontext, lifespan=lifespan)(function)
            made: click.Command = click.command(name, **attributes)(function)
            self.add_command(made)
            return made

        if callable(name):
            function, name = name, None
            return decorate(function)
        return decorate

    @overload
    def group(self, function: Callable[..., Any], /) -> AppGroup: ...

    @overload
    def group(
        self, name: str | None = None, **attributes: Any
    ) -> Callable[[Callable[..., Any]], AppGroup]: ...

    def group(self, *args: Any, **attributes: Any) -> Any:
        """Register a group of the same kind inside this one."""
        from ._cli import AppGroup

        attributes.setdefault("cls", AppGroup)
        return click.Group.group(self, *args, **attributes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by name, ready to run."""
        found = click.Group.get_command(self, ctx, cmd_name)
        if found is None:
            return None
        from ._cli import adopt

        return adopt(found)
