"""The configuration of an app."""

from __future__ import annotations

from flask.config import ConfigAttribute

from quarterdeck.app.application import Config

__all__ = ["Config", "ConfigAttribute"]
