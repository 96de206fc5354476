"""``crm audit``: the events of the commands before it, and the removal of old ones."""

from __future__ import annotations

import json

import pytest

from tests.crm.conftest import PASSWORD

from .test_cli import CREATE_ADMIN, Crm, crm, ready, upgraded

__all__ = ["crm", "ready", "upgraded"]

EMAIL = CREATE_ADMIN[2]


@pytest.mark.feature("AP6", "L2")
def test_the_log_is_listed_as_lines_and_as_json(ready: Crm) -> None:
    ready(*CREATE_ADMIN, stdin=f"{PASSWORD}\n")
    ready("token", "create", EMAIL, "--name", "Importer")
    newest, oldest = ready("audit").stdout.splitlines()
    lines = ready("audit", "list", "--json", "--action", "user_created").stdout.splitlines()
    (event,) = [json.loads(line) for line in lines]

    made = "name: Importer, scopes: read write"
    assert newest.endswith(f"Token created           -  {EMAIL}  {made}")
    assert oldest.endswith(f"User created            -  {EMAIL}  role: Admin")
    assert event["subject"] == EMAIL
    assert event["detail"] == {"role": "Admin"}
    assert event["actor_id"] is event["address"] is None
    assert ready("audit", "list", "--limit", "1").stdout.splitlines() == [newest]
    assert ready("audit", "list", "--user", "nobody").stdout == ""


def test_what_is_old_is_pruned(ready: Crm) -> None:
    ready(*CREATE_ADMIN, stdin=f"{PASSWORD}\n")

    assert ready("audit", "prune").stdout == "Deleted 0 events older than 365 days.\n"
    kept = ready("audit", "prune", CRM_AUDIT_DAYS="0")
    assert kept.exit_code == 1
    assert "Give the number of days with --days." in kept.stderr
    for refused in (
        ready("audit", "prune", "--days", "99999999999"),
        ready("audit", "list", "--days", "99999999999"),
        ready("audit", "prune", CRM_AUDIT_DAYS="99999999999"),
    ):
        assert refused.exit_code != 0
        assert "36500" in refused.stderr
