"""Certificates for servers of the tests."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import trustme

from tests.wire import Address


def make_certificate(folder: Path, name: str) -> tuple[Path, Path, trustme.CA]:
    """Write a new certificate for ``localhost`` and its key; return both files and the issuer."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    issuer = trustme.CA()
    made = issuer.issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(str(certificate))
    made.private_key_pem.write_to_path(str(key))
    return certificate, key, issuer


def served_certificate(address: Address) -> bytes:
    """Return the certificate that a server shows to a new connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(address, timeout=10) as sock,
        context.wrap_socket(sock) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def read_certificate(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(file.read_text())
