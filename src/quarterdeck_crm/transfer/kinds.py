"""What can be imported and exported: the one list for the commands and the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .accounts import import_accounts
from .columns import Table
from .exporting import Export, export_accounts, export_goods, export_lines, export_orders
from .goods import import_goods
from .importing import Import, Report
from .orders import import_orders
from .tables import ACCOUNTS, GOODS, LINES, ORDERS


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import: where it is, and what its owner calls it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """One of the files of a kind.

    Attributes:
        name: Of the exported file, without its ending.
        label: What people call it.
        table: Its columns.
        export: Yields it as CSV.
    """

    name: str
    label: str
    table: Table
    export: Export


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to import or export, in one file or in several that belong together."""

    name: str
    parts: tuple[Part, ...]
    load: Callable[[Import, Sequence[Source]], Awaitable[Report]]


async def _load_accounts(task: Import, files: Sequence[Source]) -> Report:
    return await import_accounts(task, files[0].path, name=files[0].name)


async def _load_goods(task: Import, files: Sequence[Source]) -> Report:
    return await import_goods(task, files[0].path, name=files[0].name)


async def _load_orders(task: Import, files: Sequence[Source]) -> Report:
    orders, lines = files
    return await import_orders(
        task, orders.path, lines.path, name=orders.name, lines_name=lines.name
    )


_KINDS = (
    Kind("accounts", (Part("accounts", "Accounts", ACCOUNTS, export_accounts),), _load_accounts),
    Kind("goods", (Part("goods", "Goods", GOODS, export_goods),), _load_goods),
    Kind(
        "orders",
        (
            Part("orders", "Orders", ORDERS, export_orders),
            Part("order-lines", "Order lines", LINES, export_lines),
        ),
        _load_orders,
    ),
)
KINDS = {kind.name: kind for kind in _KINDS}  # in the order in which they need each other
PARTS = {part.name: part for kind in _KINDS for part in kind.parts}
