"""Flask code that stays synchronous: its lines are those of a Flask app, and its imports are not.

pip install 'quarterdeck[bridge]'
quarterdeck serve bridge:app
"""

from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from quarterdeck.bridge import in_thread, report_waits
from quarterdeck.bridge.flask import Flask, redirect, render_template_string, request, url_for
from quarterdeck.bridge.sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(SECRET_KEY="a secret", SQLALCHEMY_DATABASE_URI="sqlite:///:memory:")
db = SQLAlchemy(app)

PAGE = """
<!doctype html><title>Blog</title>
{% for post in posts %}
<p><b>{{ post.title }}</b> {{ post.comments|map(attribute="text")|join(", ") }}</p>
{% endfor %}
<form method="post"><input name="title"><button>Post</button></form>
"""


class Post(db.Model):
    id = Column(Integer, primary_key=True)
    title = Column(String(80))
    comments = relationship("Comment")


class Comment(db.Model):
    id = Column(Integer, primary_key=True)
    post_id = Column(Integer, ForeignKey("post.id"))
    text = Column(String(80))


@app.before_first_request
def create_tables():
    db.create_all()


@app.get("/")
def index():
    return render_template_string(PAGE, posts=Post.query.all())  # loads the comments lazily


@app.post("/")
async def write():  # this one is converted
    text = await in_thread(str.title)(request.args.get("comment", "first"))
    db.session.add(Post(title=(await request.form)["title"], comments=[Comment(text=text)]))
    await db.session.commit()
    return redirect(url_for("index"))


@app.get("/waits")
def waits():
    return report_waits(), {"Content-Type": "text/plain"}
