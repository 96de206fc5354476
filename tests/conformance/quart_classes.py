"""The classes and functions of ``quarterdeck.app`` in the place of Quart's, for Quart's own tests.

A pytest plugin. It replaces each name in all modules of Quart from which a test can import it.
``python -m tests.conformance.quart`` runs the tests.
"""

from __future__ import annotations

import sys

import quarterdeck.app as kit
from quarterdeck.app.body import Body
from quarterdeck.app.connection import HTTPConnection
from quarterdeck.app.files import FileStorage
from quarterdeck.app.formparser import FormDataParser
from quarterdeck.app.rule import Rule
from quarterdeck.app.testing import TestClient
from quarterdeck.app.websocket import Websocket, WebsocketConnection

OURS = {
    "ASGIHTTPConnection": HTTPConnection,
    "ASGIWebsocketConnection": WebsocketConnection,
    "Blueprint": kit.Blueprint,
    "Body": Body,
    "FileStorage": FileStorage,
    "FormDataParser": FormDataParser,
    "Quart": kit.Quart,
    "QuartClient": TestClient,
    "QuartRule": Rule,
    "Request": kit.Request,
    "Response": kit.Response,
    "Websocket": Websocket,
    "send_file": kit.send_file,
    "send_from_directory": kit.send_from_directory,
    "stream_with_context": kit.stream_with_context,
}


def replaced() -> set[str]:
    """Put our names in the place of Quart's; return those that were found."""
    found = set()
    for name, module in list(sys.modules.items()):
        if name == "quart" or name.startswith("quart."):
            for key in OURS.keys() & vars(module).keys():
                setattr(module, key, OURS[key])
                found.add(key)
    return found


if missing := OURS.keys() - replaced():
    raise ImportError(f"Quart has no {', '.join(sorted(missing))}.")
