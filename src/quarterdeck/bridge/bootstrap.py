"""Stands in for Bootstrap-Flask, and for the names of Flask-Bootstrap."""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("bootstrap", "wtforms")

from quarterdeck.bootstrap import Bootstrap, Bootstrap5, SwitchField

__all__ = ["Bootstrap", "Bootstrap4", "Bootstrap5", "SwitchField"]

Bootstrap4 = Bootstrap
