import pytest

from pages import Page, create_app, db


@pytest.fixture
def client():
    app = create_app()
    with app.app_context():
        db.create_all()
        db.session.add(Page(title="one"))
        db.session.commit()
        yield app.test_client()


def test_home(client):
    assert client.get("/pages/de/").data == b"de one /pages/de/"


def test_sized(client):
    rv = client.get("/pages/en/1.5/one")
    assert rv.data == b"1.5 one:1 one /pages/en/"
