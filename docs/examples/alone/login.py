from quart import Quart

from quarterdeck.login import LoginManager, UserMixin, current_user, login_required, login_user

app = Quart(__name__)
app.secret_key = "only for the example"
manager = LoginManager(app)


class Sailor(UserMixin):
    id = "1"


@manager.user_loader
async def load_user(user_id):
    return Sailor()


@app.get("/")
async def index():
    login_user(Sailor())
    return "signed in"


@app.get("/secret")
@login_required
async def secret():
    return f"hello {current_user.get_id()}"
