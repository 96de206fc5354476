"""All of the API: each module imported here adds its routes to the blueprint."""

from __future__ import annotations

from . import accounts as accounts
from . import audit as audit
from . import bp as bp
from . import bulk as bulk
from . import bulk_runs as bulk_runs
from . import contacts as contacts
from . import deals as deals
from . import docs as docs
from . import duplicates as duplicates
from . import goods as goods
from . import hand_overs as hand_overs
from . import jobs as jobs
from . import notes as notes
from . import orders as orders
from . import people as people
from . import problems as problems
from . import saved_views as saved_views
from . import search as search
from . import tags as tags
from . import tasks as tasks
from .extension import ApiSchema as ApiSchema
