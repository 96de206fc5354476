import pytest

from guarded import create_app


@pytest.fixture
def client():
    return create_app().test_client()


class TestGuarded:
    def test_secret(self, client):
        assert client.get("/guarded/secret?key=k").data == b"secret"

    def test_forbidden(self, client):
        rv = client.get("/guarded/secret")
        assert (rv.status_code, rv.data) == (403, b"forbidden")

    def test_loud(self, client):
        assert client.get("/guarded/loud").data == b"LOUD"

    def test_mapped(self, client):
        assert client.get("/guarded/mapped").data == b"a,b"
