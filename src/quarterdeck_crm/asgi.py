"""The application for an ASGI server: ``hypercorn -c hypercorn.toml quarterdeck_crm.asgi:app``."""

from __future__ import annotations

from quarterdeck.commands import load_environment

from .factory import create_app

load_environment()
app = create_app()
