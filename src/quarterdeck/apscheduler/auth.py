"""How clients of the JSON endpoints sign in."""

from __future__ import annotations

from typing import Any, Protocol

from quart import request


class Authorization(dict[str, Any]):
    """What a client has sent, such as ``username`` and ``password``.

    Args:
        auth_type: The scheme, in lower case.
        **values: Its parts.
    """

    def __init__(self, auth_type: str, **values: Any) -> None:
        super().__init__(**values)
        self.auth_type = auth_type


class HTTPAuth(Protocol):
    """A scheme of the header ``Authorization``."""

    def get_authorization(self) -> Authorization | None:
        """Return what the client of the current request has sent; None without it."""

    def get_authenticate_header(self) -> str | None:
        """Return the header ``WWW-Authenticate`` of a refusal."""


class HTTPBasicAuth:
    """A user name and a password, with each request: use it over https only."""

    www_authenticate_realm = "Authentication Required"

    def get_authorization(self) -> Authorization | None:
        """Return the name and the password of the current request; None without them."""
        sent = request.authorization
        if sent is None or sent.type != "basic" or sent.username is None:
            return None
        return Authorization("basic", username=sent.username, password=sent.password)

    def get_authenticate_header(self) -> str:
        """Return the header ``WWW-Authenticate`` of a refusal."""
        return f'Basic realm="{self.www_authenticate_realm}"'
