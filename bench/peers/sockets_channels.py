"""Echo and a group of Django Channels, with its Redis layer."""

from __future__ import annotations

import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

# Two defaults of redis-py are too low for this layer: a channel that listens holds one of 100
# connections, and waits in Redis as long as a read may take, so that idle listeners break.
REDIS = {
    "address": os.environ["REDIS_URL"],
    "max_connections": 10_000,
    "socket_timeout": None,
}
LAYER = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS]}}
settings.configure(SECRET_KEY="bench", CHANNEL_LAYERS={"default": LAYER})


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


class Listen(AsyncWebsocketConsumer):
    groups = ["all"]

    async def tick(self, event: dict[str, str]) -> None:
        await self.send(text_data=event["text"])


class Publish(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("all", {"type": "tick", "text": text_data})


routes = (("echo", Echo), ("listen", Listen), ("publish", Publish))
app = ProtocolTypeRouter(
    {"websocket": URLRouter([path(name, consumer.as_asgi()) for name, consumer in routes])}
)
