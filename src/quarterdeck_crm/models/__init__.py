"""The tables of the CRM. Import models from here."""

from . import deletions as deletions
from .account import Account
from .activity import Activity
from .attachment import Attachment
from .audit_event import AuditAction, AuditEvent
from .bulk import BulkRun, RunState, UndoItem, UndoStep
from .cache_version import CacheVersion
from .custom_field import CustomField, CustomValue, FieldType
from .deal import Deal, DealLine, DealStage, LostReason, StageKind
from .duplicate import DuplicateKey, DuplicatePair
from .good import Good
from .note import MAX_NOTE, Note
from .notification import Notification, NotificationKind
from .order import Order, OrderLine, OrderState
from .order_sum import OrderSum
from .person import (
    ADDRESS_LABELS,
    PHONE_LABELS,
    Contact,
    Label,
    Person,
    PersonAddress,
    PersonEmail,
    PersonPhone,
)
from .saved_view import SavedView
from .scheduler import scheduler
from .search_word import SearchWord
from .session import browser_session
from .tag import RecordTag, Tag, TagColour
from .task import Priority, Repeat, Task
from .token import ApiToken, IdempotencyKey, Scope
from .user import NoticeTime, Role, User, UserKind

__all__ = [
    "ADDRESS_LABELS",
    "MAX_NOTE",
    "PHONE_LABELS",
    "Account",
    "Activity",
    "ApiToken",
    "Attachment",
    "AuditAction",
    "AuditEvent",
    "BulkRun",
    "CacheVersion",
    "Contact",
    "CustomField",
    "CustomValue",
    "Deal",
    "DealLine",
    "DealStage",
    "DuplicateKey",
    "DuplicatePair",
    "FieldType",
    "Good",
    "IdempotencyKey",
    "Label",
    "LostReason",
    "Note",
    "NoticeTime",
    "Notification",
    "NotificationKind",
    "Order",
    "OrderLine",
    "OrderState",
    "OrderSum",
    "Person",
    "PersonAddress",
    "PersonEmail",
    "PersonPhone",
    "Priority",
    "RecordTag",
    "Repeat",
    "Role",
    "RunState",
    "SavedView",
    "Scope",
    "SearchWord",
    "StageKind",
    "Tag",
    "TagColour",
    "Task",
    "UndoItem",
    "UndoStep",
    "User",
    "UserKind",
    "browser_session",
    "scheduler",
]
