"""The commands."""

from noticeboard.cli import user


def test_the_name_of_a_user_is_needed(app):
    result = app.test_cli_runner().invoke(user, ["create"])

    assert result.exit_code == 2
    assert "Missing argument 'NAME'" in result.output
