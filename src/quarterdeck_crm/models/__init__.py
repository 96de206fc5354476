"""The tables of the CRM. Import models from here."""

from .account import Account, Contact, Note
from .activity import Activity
from .good import Good
from .order import Order, OrderLine, OrderState
from .user import Role, User, UserKind

__all__ = [
    "Account",
    "Activity",
    "Contact",
    "Good",
    "Note",
    "Order",
    "OrderLine",
    "OrderState",
    "Role",
    "User",
    "UserKind",
]
