"""Sign-in: a user loader, protected views, roles, and a guard over all views.

pip install 'quarterdeck[login]'
quarterdeck serve login:app
curl -c jar -d name=ada -d password=lovelace http://127.0.0.1:8000/login
curl -b jar http://127.0.0.1:8000/
"""

from quart import Quart, request

from quarterdeck.login import LoginManager, UserMixin, current_user, hash_password, login_user
from quarterdeck.login import logout_user, public, redirect_next, role_required, verify_password

app = Quart(__name__)
app.secret_key = "change this text"
manager = LoginManager(app, login_view="login", require_login=True)  # all views but @public ones


class Sailor(UserMixin):
    def __init__(self, name: str, role: str, password_hash: str) -> None:
        self.id, self.role, self.password_hash = name, role, password_hash

    def has_role(self, role: str) -> bool:
        return self.role == role


sailors: dict[str, Sailor] = {}


@app.before_serving
async def sign_on():
    for name, role, password in (("ada", "captain", "lovelace"), ("grace", "mate", "hopper")):
        sailors[name] = Sailor(name, role, await hash_password(password))


@manager.user_loader
async def load_user(user_id: str):
    return sailors.get(user_id)


@app.get("/login")
@public
async def login():
    return '<form method="post"><input name="name"><input name="password" type="password">'


@app.post("/login")
@public
async def sign_in():
    form = await request.form
    sailor = sailors.get(form.get("name", ""))
    if not await verify_password(sailor and sailor.password_hash, form.get("password", "")):
        return "Wrong name or password.", 403
    login_user(sailor)
    return redirect_next("/")


@app.get("/")
async def index():
    return f"Hello {current_user.get_id()}"


@app.get("/helm")
@role_required("captain")
async def helm():
    return "Hard to starboard"


@app.post("/logout")
async def logout():
    logout_user()
    return redirect_next("/login")
