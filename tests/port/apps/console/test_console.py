import pytest

from console import create_app, db


@pytest.fixture
def app():
    app = create_app()
    with app.app_context():
        db.create_all()
        yield app
        db.drop_all()


@pytest.fixture
def runner(app):
    return app.test_cli_runner()


def test_commands(app, runner):
    assert "2 items" in runner.invoke(args=["items", "add", "a", "b"]).output
    assert app.test_client().get("/console/items").get_json() == {"items": ["a", "b"]}
    assert "2 gone" in runner.invoke(args="clear").output
