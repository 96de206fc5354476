"""Browser sessions on the server, in the store that ``SESSION_TYPE`` names."""

from .browser import BrowserSession
from .extension import Session, save_session
from .stateless import stateless
from .store import Entry, Row, SessionInfo, SessionStore

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
