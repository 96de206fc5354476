"""Errors of `quarterdeck.mail`."""

from __future__ import annotations

from collections.abc import Mapping

from .base import QuarterdeckError


class InvalidMessageError(QuarterdeckError, ValueError):
    """A message cannot be sent as it is; nothing was sent."""

    def __init__(self, thing: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{thing}' {problem}. {remedy}")


class BadHeaderError(InvalidMessageError):
    """A header holds a line break or another control character, as in header injection."""

    def __init__(self, header: str, value: object) -> None:
        super().__init__(
            header, f"is {value!r}, with a control character", "Remove line breaks from the value."
        )


class InvalidAddressError(InvalidMessageError):
    """A mail address is not valid."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(
            field,
            f"is {value!r}: {reason.rstrip('.')}",
            "Write it like 'ada@example.com', 'Ada Anker <ada@example.com>' or "
            "('Ada Anker', 'ada@example.com').",
        )


class DeliveryError(QuarterdeckError, RuntimeError):
    """A message was not delivered to the mail server, or not for all of its recipients."""


class TemporaryDeliveryError(DeliveryError):
    """The mail server is not reachable, does not answer, or refuses for now: a retry may work."""

    def __init__(self, server: str, problem: str) -> None:
        super().__init__(f"'{server}' did not take the mail: {problem}. Try again later.")


class PermanentDeliveryError(DeliveryError):
    """The mail server refuses the message itself: a retry gets the same answer."""

    def __init__(self, server: str, problem: str) -> None:
        super().__init__(f"'{server}' refused the mail: {problem}. Change the message.")


class RecipientsRefusedError(DeliveryError):
    """The mail server refused recipients. All others, if there are any, get the message.

    Attributes:
        refused: The code and the text of the server's answer, by address.
    """

    def __init__(self, server: str, refused: Mapping[str, tuple[int, str]]) -> None:
        reasons = "; ".join(
            f"{address}: {code} {text}" for address, (code, text) in refused.items()
        )
        super().__init__(f"'{server}' refused recipients: {reasons}. Check their addresses.")
        self.refused = dict(refused)

    @property
    def is_temporary(self) -> bool:
        """Whether a retry may work for one of them."""
        return any(code < 500 for code, _ in self.refused.values())


class OutboxMissingError(QuarterdeckError, RuntimeError):
    """The outbox was used without a database."""

    def __init__(self) -> None:
        super().__init__(
            "'Mail' has no outbox, because it was made without a database. "
            "Write 'Mail(db=db)', and make its table by a migration."
        )


class OutboxMailNotFoundError(QuarterdeckError, LookupError):
    """The outbox has no mail with this id."""

    def __init__(self, mail_id: int) -> None:
        super().__init__(
            f"'{mail_id}' is not the id of a mail in the outbox. "
            "It may have been sent or removed; 'mail list' shows the ids."
        )
