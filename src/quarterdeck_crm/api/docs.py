"""The description of the API: the OpenAPI document, and a page to read and try it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from quart import Response, json, render_template, send_from_directory
from swagger_ui_bundle import swagger_ui_path

from quarterdeck.login import public

from . import bp
from .extension import openapi_document


@bp.get("/openapi.json")
@public
async def document() -> Response:
    """Return the OpenAPI document."""
    # In a thread: the first call imports quart-schema, and each takes some time.
    content = await asyncio.to_thread(openapi_document)
    return Response(json.dumps(content), content_type="application/json")


@bp.get("/docs")
@public
async def docs() -> str:
    """Show Swagger UI, from the installed package and within the rules of all pages."""
    return await render_template("api/docs.html")


@bp.get("/docs/<any('swagger-ui.css', 'swagger-ui-bundle.js'):name>")
@public
async def asset(name: str) -> Response:
    """Return a file of Swagger UI."""
    response = await send_from_directory(Path(swagger_ui_path), name, cache_timeout=86400)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
