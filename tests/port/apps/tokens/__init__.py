"""Signed tokens in headers, a request loader, errors as JSON."""

from flask import Flask, g, jsonify, make_response, request
from flask_login import LoginManager, UserMixin, current_user, login_required
from itsdangerous import BadSignature, URLSafeSerializer

from .accounts import Account, db

app = Flask(__name__)
app.config.update(SECRET_KEY="key", SQLALCHEMY_DATABASE_URI="sqlite://")
db.init_app(app)
login = LoginManager(app)
signer = URLSafeSerializer("key")


@login.request_loader
def load(request):
    try:
        key = signer.loads(request.headers.get("X-Token", ""))
    except BadSignature:
        return None
    return db.session.get(Account, key)


@login.unauthorized_handler
def refuse():
    return make_response(jsonify(error="no token"), 401)


@app.before_request
def count():
    g.accounts = Account.query.count()


@app.post("/tokens/")
def make_token():
    account = Account.query.filter_by(name=request.values["name"]).first_or_404()
    return jsonify(token=signer.dumps(account.id))


@app.get("/tokens/me")
@login_required
def me():
    response = make_response(f"{current_user.name} of {g.accounts}")
    response.set_cookie("seen", "1")
    return response


@app.errorhandler(404)
def missing(error):
    return jsonify(error=error.description), 404


assert UserMixin in Account.__mro__
