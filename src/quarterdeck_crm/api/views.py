"""All of the API: what is imported here adds its routes to the blueprint."""

from __future__ import annotations

from . import accounts as accounts
from . import bp as bp
from . import contacts as contacts
from . import goods as goods
from . import orders as orders
from . import pages as pages
from . import problems as problems
from . import search as search
from .extension import ApiSchema as ApiSchema
