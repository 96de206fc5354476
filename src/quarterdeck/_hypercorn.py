"""Private names of Hypercorn that ``serving`` overrides or reads.

``tests/policies/test_upstreams.py`` checks that they exist and that no other ones are used.
"""

from __future__ import annotations

#: "module:name" with the reason. The bounds in pyproject.toml name the versions.
PRIVATE = {
    "hypercorn.asyncio.tcp_server:TCPServer._read_data": "pauses reading and drops late data",
    "hypercorn.asyncio.tcp_server:TCPServer._close": "a connection ends without losing its answer",
    "hypercorn.asyncio.tcp_server:TCPServer._initiate_server_close": "closes an idle connection",
    "hypercorn.protocol.h11:H11Protocol._send_h11_event": "writes head and body together",
    "hypercorn.protocol.h11:H11Protocol._send_error_response": "a refusal carries a sentence",
    "hypercorn.protocol.h11:H11Protocol._check_protocol": "cleartext HTTP/2 can be switched off",
    "hypercorn.protocol.h11:H11Protocol._create_stream": "makes our streams",
    "hypercorn.protocol.h2:H2Protocol._create_stream": "makes our stream",
    "hypercorn.protocol.h2:H2Protocol._handle_events": "drops unread uploads and priorities",
    "hypercorn.protocol.h2:H2Protocol._send_data": "counts what clients have to acknowledge",
    "hypercorn.protocol.h2:H2Protocol._flush": "sends what h2 has prepared",
    "hypercorn.protocol.http_stream:HTTPStream._send_error_response": "it carries a sentence",
}
