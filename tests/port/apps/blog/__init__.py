"""A blog with lazy loads in its template, pages, a class-based view and JSON."""

from flask import Flask, abort, jsonify, render_template_string, request
from flask.views import MethodView
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
PAGE = (
    "{% for post in page.items %}<h2>{{ post.title }}</h2>"
    "{% for comment in post.comments %}<p>{{ comment.text }}</p>{% endfor %}{% endfor %}"
    "<p>{{ page.total }} posts</p>"
)


class Post(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80))
    comments = db.relationship("Comment", back_populates="post", cascade="all, delete-orphan")

    @staticmethod
    def fill(count=3):
        for number in range(count):
            db.session.add(Post(title=f"Post {number}", comments=[Comment(text=f"c{number}")]))
        db.session.commit()

    def to_json(self):
        return {"id": self.id, "title": self.title, "comments": len(self.comments)}


class Comment(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(80))
    post_id = db.Column(db.Integer, db.ForeignKey("post.id"))
    post = db.relationship("Post", back_populates="comments")


class PostAPI(MethodView):
    def get(self, key):
        return jsonify(db.get_or_404(Post, key).to_json())

    def put(self, key):
        post = db.get_or_404(Post, key)
        values = request.get_json()
        if "title" not in values:
            abort(400)
        post.title = values["title"]
        db.session.commit()
        return jsonify(post.to_json())

    def delete(self, key):
        db.session.delete(db.get_or_404(Post, key))
        db.session.commit()
        return "", 204


def posts():
    page = db.paginate(db.select(Post).order_by(Post.id), per_page=2)
    return render_template_string(PAGE, page=page)


def titles():
    found = db.session.execute(db.select(Post).order_by(Post.title)).scalars()
    return jsonify([post.title for post in found])


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    app.add_url_rule("/blog/", view_func=posts)
    app.add_url_rule("/blog/titles", "titles", titles)
    app.add_url_rule("/blog/api/<int:key>", view_func=PostAPI.as_view("post"))
    return app
