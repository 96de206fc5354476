"""The extensions of the CRM, created unbound; the factory binds them to an app."""

from __future__ import annotations

from quarterdeck.bootstrap import Bootstrap
from quarterdeck.login import LoginManager
from quarterdeck.migrate import Migrate
from quarterdeck.moment import Moment
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect

db = SQLAlchemy()
migrate = Migrate(db=db)
csrf = CSRFProtect()
login_manager = LoginManager(login_view="auth.login", require_login=True)
bootstrap = Bootstrap()
moment = Moment()
