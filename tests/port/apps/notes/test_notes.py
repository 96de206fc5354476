import pytest

from flask import session

from notes import db
from notes.models import Note, User


def test_index(client):
    response = client.get("/notes/")
    assert "1 notes" in response.get_data(as_text=True)
    assert b"first by ada" in response.data


@pytest.mark.parametrize("path, status", [("/notes/1", 200), ("/notes/9", 404)])
def test_show(client, path, status):
    assert client.get(path).status_code == status


def test_a_missing_page_counts(client):
    assert b"Nothing here, and 1 notes." in client.get("/notes/9").data


def test_add(client, sign_in):
    assert sign_in().status_code == 200
    rv = client.post("/notes/add", data={"text": "second"}, follow_redirects=True)
    assert b"second by ada" in rv.data
    assert Note.query.count() == 2
    assert User.named("ada").note_count == 2


def test_a_validator_queries(client, sign_in):
    sign_in()
    response = client.post("/notes/add", data=dict(text="first"))
    assert "You have this note." in response.text


def test_login_is_required(client):
    response = client.get("/notes/add")
    assert response.status_code == 302
    assert "/notes/login" in response.headers["Location"]


def test_unknown_name(sign_in):
    response = sign_in("eve")
    assert b"Unknown name." in response.data


def test_session_is_kept(client, sign_in):
    with client:
        sign_in()
        assert session["_user_id"] == "1"
        client.get("/notes/logout")
        assert "_user_id" not in session


def test_init_queries(app):
    assert not User(name="bob").is_first
    db.session.rollback()


def test_command(app):
    result = app.test_cli_runner().invoke(args=["add-user", "bob"])
    assert "2 users" in result.output
