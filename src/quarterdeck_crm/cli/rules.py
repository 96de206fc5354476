"""The rules of the CRM itself, for ``crm check``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from quarterdeck.checks import Problem, Severity, Target, rule, weakness_of
from quarterdeck.exceptions import DatabaseBusyError
from quarterdeck_crm.demo.users import USERS
from quarterdeck_crm.errors import SchemaMismatchError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from quarterdeck_crm.orders.sum_checks import compare_sums
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.search.outdated import outdated_kinds
from quarterdeck_crm.team.services import active_admins, users_with_clashes

MIN_TOKEN_LENGTH = 16
# QD020 names a database that does not answer.
_SILENT = (SQLAlchemyError, DatabaseBusyError, OSError)


@rule("CRM001", Severity.ERROR, "The tables belong to another version.", deploy=False)
async def schema(_target: Target) -> AsyncIterator[Problem]:
    try:
        await check_schema()
    except SchemaMismatchError as error:
        yield Problem(None, str(error), "")
    except _SILENT:
        return


@rule("CRM002", Severity.WARNING, "Addresses of users look alike.", deploy=False)
async def clashes(_target: Target) -> AsyncIterator[Problem]:
    try:
        users = await users_with_clashes(db.session)
    except _SILENT:
        return
    for user in users:
        problem = f"(user {user.id}) looks like the address of another user"
        yield Problem(user.email, problem, "Change one of the two on the team's pages.")


@rule("CRM003", Severity.ERROR, "`CRM_CONFIG` is not `production`.")
def mode(target: Target) -> Iterator[Problem]:
    if target.get("CONFIG_NAME") != "production":
        problem = f"is {target.get('CONFIG_NAME')!r}"
        yield Problem("CONFIG", problem, "Set it to 'production'.")


@rule("CRM004", Severity.WARNING, "Visitors can register.")
def registration(target: Target) -> Iterator[Problem]:
    if target.get("REGISTRATION_OPEN"):
        yield Problem("REGISTRATION_OPEN", "is on: anybody can get an account", "Turn it off.")


@rule("CRM005", Severity.ERROR, "`CRM_METRICS_TOKEN` can be guessed.")
def metrics_token(target: Target) -> Iterator[Problem]:
    token = target.get("METRICS_TOKEN")
    if token and weakness_of(token, MIN_TOKEN_LENGTH):
        remedy = f"Set a random one of at least {MIN_TOKEN_LENGTH} characters."
        yield Problem("METRICS_TOKEN", "can be guessed", remedy)


@rule("CRM006", Severity.WARNING, "There is no administrator.")
async def administrator(_target: Target) -> AsyncIterator[Problem]:
    try:
        if await active_admins(db.session):
            return
    except _SILENT:
        return
    remedy = "Run 'crm user create EMAIL --role Admin'."
    yield Problem(None, "The CRM has no administrator", remedy)


@rule("CRM007", Severity.ERROR, "Demonstration users with a known password can sign in.")
async def demonstration_users(_target: Target) -> AsyncIterator[Problem]:
    known = [email for email, *_ in USERS]
    demo = select(func.count()).where(User.email.in_(known), User.is_active)
    try:
        count = await db.session.scalar(demo)
    except _SILENT:
        return
    if count:
        problem = f"{count} demonstration users have a known password"
        yield Problem(None, problem, "Disable or delete them.")


@rule("CRM008", Severity.ERROR, "Links in mail, which sign users in, can be read on the way.")
def mail_links(target: Target) -> Iterator[Problem]:
    if not target.get("MAIL_ENABLED"):
        return
    if not str(target.get("PUBLIC_URL")).startswith("https://"):
        yield Problem("PUBLIC_URL", "is plain http: links in mail sign users in", "Use https.")
    is_plain = not (target.get("MAIL_USE_TLS") or target.get("MAIL_USE_SSL"))
    if is_plain and target.get("MAIL_SERVER") not in {"127.0.0.1", "::1", "localhost"}:
        problem = "is off: links in mail cross the network in plain text"
        yield Problem("MAIL_USE_TLS", problem, "Set it to True, or MAIL_USE_SSL on port 465.")


@rule("CRM009", Severity.ERROR, "Figures of the dashboard differ from the orders.", deploy=False)
async def order_sums(_target: Target) -> AsyncIterator[Problem]:
    try:
        differences = await compare_sums()
    except _SILENT:
        return
    if differences:
        problem = f"{len(differences)} sums of orders differ from the orders"
        yield Problem(None, problem, "Run 'crm sums check' to see them, then 'crm sums rebuild'.")


@rule("CRM010", Severity.WARNING, "Searches do not find all records.", deploy=False)
async def search_index(_target: Target) -> AsyncIterator[Problem]:
    try:
        kinds = await (await db.session.connection()).run_sync(outdated_kinds)
    except _SILENT:
        return
    if kinds:
        problem = f"Records were indexed by an older version: {', '.join(kinds)}"
        yield Problem(None, problem, "Run 'crm search rebuild', once after the upgrade.")


RULES = (
    schema,
    clashes,
    mode,
    registration,
    metrics_token,
    administrator,
    demonstration_users,
    mail_links,
    order_sums,
    search_index,
)
