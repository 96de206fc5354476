import pytest

from notes import create_app, db
from notes.models import Note, User


@pytest.fixture
def app():
    app = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False})
    with app.app_context():
        db.create_all()
        db.session.add(User(name="ada"))
        db.session.add(Note(text="first", user_id=1))
        db.session.commit()
        yield app
        db.session.remove()
        db.drop_all()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def sign_in(client):
    def sign_in(name="ada"):
        return client.post("/notes/login", data={"name": name}, follow_redirects=True)

    return sign_in
