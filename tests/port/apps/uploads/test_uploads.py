import io

import pytest

from uploads import app


@pytest.fixture
def client(tmp_path):
    app.config.update(TESTING=True, UPLOADS=str(tmp_path))
    return app.test_client()


def test_upload(client):
    data = {"file": (io.BytesIO(b"text"), "a b.txt")}
    response = client.post("/files/", data=data, follow_redirects=True)
    assert response.data == b"text"


def test_no_file(client):
    assert client.post("/files/").status_code == 400


def test_about(client):
    response = client.get("/about")
    assert b"Files" in response.data
    response.close()
