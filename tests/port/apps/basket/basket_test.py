from flask import json

from basket import create_app


def test_add():
    with create_app().test_client() as client:
        client.post("/basket/add/tea")
        rv = client.post("/basket/add/milk", follow_redirects=True)
        assert rv.get_data(as_text=True) == "Added tea.Added milk. tea milk"


def test_session_transaction():
    client = create_app().test_client()
    with client.session_transaction() as session:
        session["items"] = ["bread"]
    assert "bread" in client.get("/basket/").text


def test_echo():
    response = create_app().test_client().post(
        "/basket/echo",
        data=json.dumps({"a": "ä"}),
        content_type="application/json",
    )
    assert json.loads(response.data) == {"a": "ä"}
    assert response.get_json() == {"a": "ä"}
