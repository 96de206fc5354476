import pytest

from blog import Comment, Post, create_app, db


@pytest.fixture
def app():
    app = create_app()
    app.testing = True
    with app.app_context():
        db.create_all()
        Post.fill()
        yield app
        db.session.remove()
        db.drop_all()


@pytest.fixture()
def client(app):
    with app.test_client() as client:
        yield client


def test_pages(client):
    first = client.get("/blog/").text
    assert "<p>c0</p>" in first and "Post 2" not in first
    assert "Post 2" in client.get("/blog/?page=2").text
    assert client.get("/blog/?page=3").status_code == 404


def test_api(client):
    assert client.get("/blog/api/1").json == {"id": 1, "title": "Post 0", "comments": 1}
    answer = client.put("/blog/api/1", json={"title": "New"})
    assert answer.get_json()["title"] == "New"
    assert client.put("/blog/api/1", json={}).status_code == 400
    assert client.delete("/blog/api/1").status_code == 204
    assert client.get("/blog/api/1").status_code == 404
    assert db.session.scalar(db.select(db.func.count(Comment.id))) == 2


def test_titles(client):
    assert client.get("/blog/titles").get_json() == ["Post 0", "Post 1", "Post 2"]


def test_titles_in_a_list(app, client):
    assert [client.get(path).status_code for path in ("/blog/", "/blog/titles")] == [200, 200]
    assert all(client.get(path).status_code == 200 for path in ("/blog/", "/blog/titles"))
