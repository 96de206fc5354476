"""The tables of the CRM. Import models from here."""

from .account import Account, Contact, Note
from .activity import Activity
from .attachment import Attachment
from .good import Good
from .order import Order, OrderLine, OrderState
from .search_word import SearchWord
from .session import browser_session
from .token import ApiToken, IdempotencyKey, Scope
from .user import Role, User, UserKind

__all__ = [
    "Account",
    "Activity",
    "ApiToken",
    "Attachment",
    "Contact",
    "Good",
    "IdempotencyKey",
    "Note",
    "Order",
    "OrderLine",
    "OrderState",
    "Role",
    "Scope",
    "SearchWord",
    "User",
    "UserKind",
    "browser_session",
]
