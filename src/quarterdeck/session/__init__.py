"""Browser sessions on the server, in the store that ``SESSION_TYPE`` names."""

from .base import Entry, Row, SessionInfo, SessionStore
from .browser import BrowserSession
from .extension import Session, save_session
from .marks import stateless

__all__ = [
    "BrowserSession",
    "Entry",
    "Row",
    "Session",
    "SessionInfo",
    "SessionStore",
    "save_session",
    "stateless",
]
