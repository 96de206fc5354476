"""The tests of the project: those that it had, and some that are async already."""

import asyncio
import unittest

import pytest
from shop import User, app, db, mail

ran = []


@pytest.fixture
def client():
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        db.create_all()
        db.session.add(User(name="ada"))
        db.session.commit()
        yield app.test_client()
        db.session.remove()
        db.drop_all()


@pytest.fixture
async def answer(client):
    response = await client.get("/me", auth=("ada", "right"))
    yield response.text
    ran.append("answer closed")


def test_plain(client):
    assert client.get("/me").status_code == 401
    assert client.get("/me", auth=("ada", "right")).data == b"ada"
    assert client.get("/cached").text == "1"
    User.query.delete()
    db.session.commit()
    assert client.get("/cached").text == "1"
    assert "ckeditor" in client.get("/editor").text
    assert client.get("/mail").text == "/mail"
    assert [each.subject for each in app.extensions["mailman"].outbox] == ["Hello"]


async def test_async(client, answer):
    await asyncio.sleep(0)
    assert answer == "ada"
    assert len((await User.query.first()).token()) > 20


class OldStyle(unittest.TestCase):
    def setUp(self):
        self.context = app.app_context()
        self.context.push()
        db.create_all()

    def tearDown(self):
        db.drop_all()
        self.context.pop()

    def test_plain(self):
        self.assertEqual(User.query.count(), 0)

    async def test_async(self):
        self.assertEqual(await User.query.count(), 0)
        ran.append("async method")


def test_all_of_it_has_run():
    assert ran == ["answer closed", "async method"]
