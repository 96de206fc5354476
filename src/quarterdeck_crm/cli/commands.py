"""The commands that work on an app.

Only the app imports them, with its models: ``crm watch`` starts in a third of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck.checks import Checks, make_command
from quarterdeck_crm.attachments.cli import attachments
from quarterdeck_crm.audit.cli import audit
from quarterdeck_crm.config import variable_of
from quarterdeck_crm.demo.cli import demo_command
from quarterdeck_crm.jobs.cli import jobs
from quarterdeck_crm.orders.cli import sums
from quarterdeck_crm.paths import HYPERCORN
from quarterdeck_crm.search.cli import search
from quarterdeck_crm.transfer.cli import export_group, import_group

from .rules import RULES
from .serve import run, serve
from .sessions import sessions
from .token import token
from .user import commands as user
from .watch import watch

if TYPE_CHECKING:
    from quart import Quart

COMMANDS = (
    serve,
    run,
    user,
    sessions,
    token,
    attachments,
    audit,
    jobs,
    search,
    sums,
    demo_command,
    import_group,
    export_group,
    make_command(HYPERCORN),
    watch,
)


def register_commands(app: Quart) -> None:
    """Add the commands to the app, for ``crm`` and for ``quart --app quarterdeck_crm``."""
    Checks(app, rules=RULES, written_as=variable_of)
    for command in COMMANDS:
        app.cli.add_command(command)
