"""Errors of the server and of its supervisor."""

from __future__ import annotations

from collections.abc import Sequence

from .base import QuarterdeckError


class ServerConfigurationError(QuarterdeckError, ValueError):
    """A file such as ``hypercorn.toml`` has a key or a value that the server cannot use."""

    def __init__(self, file: str, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"'{key}' in '{file}' {problem}. {remedy}")


class CertificateError(QuarterdeckError, OSError):
    """The files of the certificate cannot be used."""

    def __init__(self, file: str | None, reason: str) -> None:
        super().__init__(
            f"'{file}' cannot be used for TLS: {reason}. Name a PEM file with the certificate "
            "(and those between it and its root) as 'certfile', and its private key as 'keyfile'."
        )


class ServingTargetError(QuarterdeckError, ImportError):
    """The app to serve cannot be imported."""

    def __init__(self, target: str, problem: str) -> None:
        super().__init__(
            f"'{target}' cannot be served: {problem}. Write it as 'module:app' or "
            "'module:create_app()', and start in the folder of the module."
        )


class ThreadAtForkError(QuarterdeckError, RuntimeError):
    """The app starts a thread when it is imported, which a forked worker would lack."""

    def __init__(self, target: str, names: Sequence[str]) -> None:
        super().__init__(
            f"'{target}' starts a thread ({', '.join(names)}) when it is imported, and a forked "
            "worker would not have it. Start it in 'before_serving', or use '--spawn'."
        )


class ServerAddressError(QuarterdeckError, OSError):
    """The server cannot listen on an address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"'{address}' cannot be listened on: {reason}. "
            "Choose another address with --bind HOST:PORT."
        )


class SingleProcessError(QuarterdeckError, RuntimeError):
    """Settings keep data in the memory of one process, and several shall serve.

    Args:
        workers: How many.
        reasons: The names of the settings, each with its remedy.
    """

    def __init__(self, workers: int, reasons: Sequence[tuple[str, str]]) -> None:
        settings = ", ".join(f"'{setting}'" for setting, _ in reasons)
        verb = "keeps" if len(reasons) == 1 else "keep"
        super().__init__(
            f"{workers} workers cannot serve: {settings} {verb} data in the memory of one process. "
            f"{'. '.join(remedy for _, remedy in reasons)}, or use one worker."
        )
