"""The keys of the browser session that belong to sign-in."""

from __future__ import annotations

USER_ID = "_user_id"
AUTH_VERSION = "_auth_version"
FRESH = "_fresh"
IDENTIFIER = "_id"
FORCED = "_forced"
NEXT = "next"

#: Those that a sign-in replaces; all others are kept. A CSRF token does not outlive it either.
REPLACED = frozenset({USER_ID, AUTH_VERSION, FRESH, IDENTIFIER, FORCED, "csrf_token"})
