"""The states of an order, the moves between them, and the fields that each leaves editable."""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import OrderState


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed step.

    Attributes:
        target: The state that it leads to.
        label: The words on its button: they name the result.
        done: The message afterwards.
        question: The question before a step that should not happen by mistake.
        is_next: Whether it is the usual next step, which the page offers first.
    """

    target: OrderState
    label: str
    done: str
    question: str | None = None
    is_next: bool = False


CONFIRM = Move(
    OrderState.CONFIRMED, _l("Confirm order"), _l("The order is confirmed."), is_next=True
)
SHIP = Move(
    OrderState.SHIPPED,
    _l("Mark as shipped"),
    _l("The order is marked as shipped."),
    question=_l("Mark this order as shipped? It cannot be reopened or cancelled afterwards."),
    is_next=True,
)
PAY = Move(
    OrderState.PAID,
    _l("Mark as paid"),
    _l("The order is marked as paid."),
    question=_l("Mark this order as paid? This closes the order."),
    is_next=True,
)
REOPEN = Move(OrderState.DRAFT, _l("Reopen as draft"), _l("The order is a draft again."))
CANCEL = Move(
    OrderState.CANCELLED,
    _l("Cancel order"),
    _l("The order is cancelled."),
    question=_l("Cancel this order? It can be reopened as a draft."),
)

MOVES: dict[OrderState, tuple[Move, ...]] = {
    OrderState.DRAFT: (CONFIRM, CANCEL),
    OrderState.CONFIRMED: (SHIP, REOPEN, CANCEL),
    OrderState.SHIPPED: (PAY,),
    OrderState.PAID: (),
    OrderState.CANCELLED: (REOPEN,),
}

# Orders that still need work.
OPEN = (OrderState.DRAFT, OrderState.CONFIRMED, OrderState.SHIPPED)

# Orders with goods taken from the stock.
TAKEN = (OrderState.CONFIRMED, OrderState.SHIPPED, OrderState.PAID)

SHIPPING = frozenset(
    {
        "required_on",
        "ship_name",
        "ship_address",
        "ship_city",
        "ship_region",
        "ship_postal_code",
        "ship_country",
    }
)
REMARK = frozenset({"remark"})
HEADER = SHIPPING | REMARK | {"account_id", "owner_id", "currency", "ordered_on", "freight"}

# The price is agreed once the order is confirmed; where to send it, until it is sent.
EDITABLE: dict[OrderState, frozenset[str]] = {
    OrderState.DRAFT: HEADER | {"lines"},
    OrderState.CONFIRMED: SHIPPING | REMARK,
    OrderState.SHIPPED: REMARK,
    OrderState.PAID: REMARK,
    OrderState.CANCELLED: REMARK,
}


def find_move(source: OrderState, target: OrderState) -> Move | None:
    """Return the step from one state to another, or None if it is not allowed."""
    return next((move for move in MOVES[source] if move.target is target), None)
