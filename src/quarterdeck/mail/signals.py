"""The signals of the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blinker import NamedSignal, Namespace

if TYPE_CHECKING:
    from quart import Quart

_signals = Namespace()

email_dispatched = _signals.signal(
    "email-dispatched",
    doc="""
    Sent with ``message`` after ``send`` has handed it over, and also while sending is suppressed.
    The relay sends bytes from the outbox and not messages, so it does not send this signal.
    """,
)
email_enqueued = _signals.signal(
    "email-enqueued",
    doc="Sent with ``message`` after the commit of the transaction of ``enqueue``.",
)
email_failed = _signals.signal(
    "email-failed",
    doc="""
    Sent with ``envelope`` and ``error``, a text, after the relay has given a mail up. It stays in
    the outbox as dead. An error of a receiver is logged.
    """,
)


async def announce(signal: NamedSignal, app: Quart, **values: Any) -> None:
    """Call the receivers of a signal; plain functions run in a thread, as with Quart's own."""
    wrapper: Any = app.ensure_async
    await signal.send_async(app, _sync_wrapper=wrapper, **values)
