"""The configuration keys of the application object.

The room has no ``STATE`` and no ``extension.py``: the application object in ``application.py``
is its own state.
"""

from __future__ import annotations

from quarterdeck.config import ConfigKey, boolean, integer, seconds, text_list

CONFIG = (
    ConfigKey(
        "JINJA_ASYNC",
        False,
        boolean,
        "Whether templates are rendered in Jinja's async mode, in which they may await. "
        "Rendering then takes about 1.4 times as long.",
    ),
    ConfigKey(
        "MAX_JSON_DEPTH",
        64,
        integer(1),
        "The deepest nesting of arrays and objects in a JSON body. A deeper body is answered "
        "with 400.",
        unit="levels",
    ),
    ConfigKey(
        "MAX_JSON_SIZE",
        2_000_000,
        integer(1),
        "The largest JSON body. A larger one is answered with 413. JSON is decoded in one "
        "step on the event loop, so this limits the time that one body can take.",
        unit="bytes",
    ),
    ConfigKey(
        "SEND_FILE_CONDITIONAL",
        True,
        boolean,
        "Whether `send_file` answers conditional and range requests with 304 and 206.",
    ),
    ConfigKey(
        "STATIC_FINGERPRINT",
        False,
        boolean,
        'Whether `url_for("static", ...)` adds `?v=<hash>`, so that browsers may cache the '
        "file for a year. Meant for production: each file is read only once.",
    ),
    ConfigKey(
        "TRUSTED_HOSTS",
        None,
        text_list,
        "Host names of the site; `.example.com` includes all its subdomains. Requests for "
        "other hosts are answered with 400. None accepts every host.",
    ),
    ConfigKey(
        "WEBSOCKET_MAX_CONNECTIONS",
        10_000,
        integer(0),
        "The most WebSockets that one process keeps open. Further handshakes are answered "
        "with 503 and `Retry-After`.",
        unit="connections",
    ),
    ConfigKey(
        "WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS",
        1_000,
        integer(0),
        "The most WebSockets of one client address on one path in one process. Further "
        "handshakes are answered with 429. Behind a proxy all clients share its address, unless "
        "the server knows the real one.",
        unit="connections",
    ),
    ConfigKey(
        "WEBSOCKET_QUEUE_BYTES",
        2**21,
        integer(1),
        "The memory for messages that the handler has not received yet. Once it is full, the "
        "server reads no more messages, which slows the client down.",
        unit="bytes",
    ),
    ConfigKey(
        "WEBSOCKET_QUEUE_MESSAGES",
        100,
        integer(1),
        "The most messages that the handler has not received yet, with the same effect.",
        unit="messages",
    ),
    ConfigKey(
        "WEBSOCKET_QUEUE_SECONDS",
        10,
        seconds,
        "How long the queue may be full without the handler receiving a message. After that, "
        "the WebSocket is closed with 1008 and its handler is cancelled.",
        unit="seconds",
    ),
)
