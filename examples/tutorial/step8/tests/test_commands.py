"""The commands."""

import asyncio

from noticeboard.models import User


async def run(app, *words):
    return await asyncio.to_thread(app.test_cli_runner().invoke, args=words)


async def test_a_user_is_added(app, database):
    result = await run(app, "user", "create", "Grace", "Grace@example.com", "--password", "hopper")

    assert result.output == "Grace can sign in as grace@example.com.\n"
    async with app.app_context():
        assert [user.email for user in await User.query.all()] == ["grace@example.com"]


async def test_a_name_is_needed(app):
    result = await run(app, "user", "create")

    assert result.exit_code == 2
    assert "Missing argument 'NAME'" in result.output
