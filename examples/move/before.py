"""A guest book on Flask, and the start of a move: after.py is the same app on Quarterdeck.

pip install flask flask-sqlalchemy
flask --app before create-tables && flask --app before run
"""

from flask import Flask, flash, jsonify, redirect, render_template_string, request, url_for
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(SECRET_KEY="a secret", SQLALCHEMY_DATABASE_URI="sqlite:///book.sqlite3")
db = SQLAlchemy(app)

PAGE = """
<!doctype html><title>Guest book</title>
{% for message in get_flashed_messages() %}<p role="status">{{ message }}</p>{% endfor %}
<form method="post"><input name="name"><input name="text"><button>Sign</button></form>
{% for entry in page %}<p><b>{{ entry.name }}</b> {{ entry.text }}</p>{% endfor %}
<p>{{ page.total }} entries</p>
"""


class Entry(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), nullable=False)
    text = db.Column(db.String(500), nullable=False)


@app.cli.command("create-tables")
def create_tables():
    """Make the tables."""
    db.create_all()


@app.get("/")
def index():
    page = db.paginate(db.select(Entry).order_by(Entry.id.desc()), per_page=20)
    return render_template_string(PAGE, page=page)


@app.post("/")
def sign():
    form = request.form
    if not form["name"].strip():
        flash("Your name, please.")
        return redirect(url_for("index"))
    db.session.add(Entry(name=form["name"].strip(), text=form["text"]))
    db.session.commit()
    flash("Thank you.")
    return redirect(url_for("index"))


@app.get("/entries/<int:entry_id>")
def show(entry_id):
    entry = db.get_or_404(Entry, entry_id)
    return jsonify(id=entry.id, name=entry.name, text=entry.text)


@app.errorhandler(404)
def not_found(error):
    return jsonify(error="There is no such page."), 404
