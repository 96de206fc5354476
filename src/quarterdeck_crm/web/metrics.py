"""``/metrics``: the figures of this host for Prometheus, readable with the token."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from quart import Response, abort, current_app, request

from quarterdeck.app import Blueprint
from quarterdeck.login import public
from quarterdeck.session import stateless
from quarterdeck_crm.extensions import metrics

bp = stateless(Blueprint("metrics", __name__))

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")  # what proxies add


@bp.get("/metrics")
@public
async def show() -> Response:
    """Return all figures in the text format of Prometheus, summed over the workers."""
    if not (_has_token() or _is_own_machine()):
        abort(403, "Send the token that CRM_METRICS_TOKEN sets, as 'Authorization: Bearer TOKEN'.")
    return await metrics.response()


def _is_own_machine() -> bool:
    """Whether a developer asks, on the machine on which the app runs.

    In production the token is required: a proxy on the machine may forward any client,
    so an address of this machine proves nothing there.
    """
    if current_app.config["CONFIG_NAME"] == "production":
        return False
    try:
        is_loopback = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FORWARDED)


def _has_token() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())
