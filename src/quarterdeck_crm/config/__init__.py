"""The CRM's configurations, and where their values come from.

Weakest first: the class, ``instance/config.py``, the environment, the values that
``create_app`` is given. Programs complete the environment from ``.env``, then ``.flaskenv``,
before they make an app.
"""

from __future__ import annotations

from .classes import Base, Development, Production, Testing, choose, folder_error
from .keys import CONFIG
from .names import PLAIN_NAMES, errors_as_written, variable_of, written_name
from .sources import configure, instance_path

__all__ = [
    "CONFIG",
    "PLAIN_NAMES",
    "Base",
    "Development",
    "Production",
    "Testing",
    "choose",
    "configure",
    "errors_as_written",
    "folder_error",
    "instance_path",
    "variable_of",
    "written_name",
]
