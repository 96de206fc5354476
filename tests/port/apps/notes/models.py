from flask_login import UserMixin

from . import db


class User(db.Model, UserMixin):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), unique=True)
    notes = db.relationship("Note", backref="author", lazy="dynamic")

    def __init__(self, **values):
        super().__init__(**values)
        # A query in __init__.
        self.is_first = User.query.first() is None

    @classmethod
    def named(cls, name):
        return cls.query.filter_by(name=name).first()

    @property
    def note_count(self):
        return self.notes.count()

    def latest(self):
        return self.notes.order_by(Note.id.desc()).first()


class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(80))
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))
