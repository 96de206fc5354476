import pytest

from tokens import app
from tokens.accounts import Account, db


@pytest.fixture(scope="module")
def test_client():
    with app.app_context():
        db.create_all()
        db.session.add(Account(name="ada"))
        db.session.commit()
    yield app.test_client()


def test_me(test_client):
    token = test_client.post("/tokens/?name=ada").get_json()["token"]
    rv = test_client.get("/tokens/me", headers={"X-Token": token})
    assert rv.data.decode() == "ada of 1"
    assert "seen=1" in rv.headers["Set-Cookie"]


def test_refused(test_client):
    rv = test_client.get("/tokens/me", headers=[("X-Token", "wrong")])
    assert rv.status_code == 401 and rv.get_json() == {"error": "no token"}


def test_missing(test_client):
    assert test_client.post("/tokens/", data={"name": "eve"}).status_code == 404
