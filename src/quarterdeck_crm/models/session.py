"""The table of browser sessions, written by the session store and not as a model."""

from __future__ import annotations

from quarterdeck.session.sqlalchemy import session_table
from quarterdeck_crm.extensions import Model

browser_session = session_table(Model.metadata, "browser_session")
