"""HTTP/2 of Hypercorn, with limits for clients that flood it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Request
from hypercorn.protocol.h2 import H2Protocol, StreamBuffer
from hypercorn.utils import filter_pseudo_headers

from .frame_limits import FloodError, FrameLimits
from .http_stream import HttpStream

#: Bytes that are decoded in one go, which is the time that others wait: 64 KB hold 6,000 frames.
MAX_BYTES_AT_ONCE = 4096
#: Frames in them after which others get a turn.
MAX_FRAMES_AT_ONCE = 50


class Http2(H2Protocol):
    """An HTTP/2 connection; browsers open another connection for WebSockets.

    All streams are served in turn: what a client says about their priority is ignored, as
    RFC 9113 (section 5.3.2) allows, because each such frame would be stored.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection.local_settings.pop(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL, None)
        max_headers = self.config.h2_max_header_list_size
        self.connection.decoder.max_header_list_size = max_headers  # h2 waits for the client's ack
        self._limits = FrameLimits(self.config.h2_max_inbound_frame_size, max_headers)

    async def handle(self, event: Event) -> None:
        if not isinstance(event, RawData):
            await super().handle(event)
            return
        for begin in range(0, len(event.data), MAX_BYTES_AT_ONCE):
            piece = event.data[begin : begin + MAX_BYTES_AT_ONCE]
            try:
                count = self._limits.read(piece)
            except FloodError as error:
                await self._end(error)
                return
            await super().handle(RawData(data=piece))
            if self.closed or self._is_over:
                return
            if count > MAX_FRAMES_AT_ONCE:
                await asyncio.sleep(0)

    @property
    def _is_over(self) -> bool:
        state = self.connection.state_machine.state
        return state is h2.connection.ConnectionState.CLOSED

    async def _end(self, error: FloodError) -> None:
        """Close the connection, and cancel the requests that it has begun."""
        address = "unknown" if self.client is None else self.client[0]
        await self.config.log.warning("HTTP/2 of %s is closed: %s", address, error)
        with suppress(h2.exceptions.ProtocolError):
            self.connection.close_connection(error.code)
        await self._flush()
        await self.send(Closed())
        await super().handle(Closed())

    async def _send_data(self, stream_id: int) -> None:
        buffer = self.stream_buffers.get(stream_id)
        if buffer is not None:
            with suppress(h2.exceptions.ProtocolError):  # the stream is closed
                window = self.connection.local_flow_control_window(stream_id)
                self._limits.earn(max(0, min(window, len(buffer.buffer))))
        await super()._send_data(stream_id)

    async def _create_stream(self, request: h2.events.RequestReceived) -> None:
        if (b":method", b"CONNECT") in cast(Any, request.headers):
            self.connection.reset_stream(request.stream_id)
            await self._flush()
            return
        fields = dict(cast(Any, request.headers))
        stream = self.streams[request.stream_id] = HttpStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            request.stream_id,
        )
        self.stream_buffers[request.stream_id] = StreamBuffer(self.context.event_class)
        self.priority.insert_stream(request.stream_id)
        self.priority.block(request.stream_id)
        await stream.handle(
            Request(
                stream_id=request.stream_id,
                headers=filter_pseudo_headers(cast(Any, request.headers)),
                http_version="2",
                method=fields[b":method"].decode("ascii").upper(),
                raw_path=fields[b":path"],
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def _handle_events(self, events: list[h2.events.Event]) -> None:
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.stream_id not in self.streams:
                await self._discard(event)
            elif not isinstance(event, h2.events.PriorityUpdated):
                await super()._handle_events([event])
        await self._flush()  # the answers to frames without an event

    async def _discard(self, event: h2.events.DataReceived) -> None:
        """Drop a part of a body after the response was sent: its stream no longer exists.

        Reset the stream after a complete response (RFC 9113, section 8.1).
        """
        with suppress(h2.exceptions.ProtocolError):
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id not in self.stream_buffers:
                self.connection.reset_stream(event.stream_id)
        await self._flush()
