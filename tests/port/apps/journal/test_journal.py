import pytest

from journal import Entry, create_app, db


@pytest.fixture
def app():
    app = create_app()
    app.testing = True
    ctx = app.app_context()
    ctx.push()
    db.create_all()
    yield app
    db.drop_all()
    ctx.pop()


def test_number(app):
    assert app.test_client().get("/journal/abc").data == b"103/5"


def test_nothing_is_kept(app):
    client = app.test_client()
    client.get("/journal/abc")
    assert db.session.query(Entry).count() == 0
    assert Entry.query.get(1) is None


def test_request_context(app):
    with app.test_request_context("/journal/x?y=1"):
        from flask import request

        assert request.args["y"] == "1"
