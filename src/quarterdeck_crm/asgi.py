"""The application for an ASGI server: ``hypercorn -c hypercorn.toml quarterdeck_crm.asgi:app``."""

from __future__ import annotations

from quart.cli import load_dotenv

from .factory import create_app

load_dotenv()
app = create_app()
