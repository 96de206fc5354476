"""The extensions of the CRM, created unbound; the factory binds them to an app."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from quarterdeck.apscheduler import APScheduler
from quarterdeck.babel import Babel
from quarterdeck.bootstrap import Bootstrap
from quarterdeck.commands import Commands
from quarterdeck.compress import Compress
from quarterdeck.health import Health
from quarterdeck.logging import Logging
from quarterdeck.login import LoginManager
from quarterdeck.mail import Mail
from quarterdeck.metrics import Metrics
from quarterdeck.migrate import Migrate
from quarterdeck.moment import Moment
from quarterdeck.security import Security
from quarterdeck.security.limits import Limiter
from quarterdeck.session import Session
from quarterdeck.sockets import Hub
from quarterdeck.sqlalchemy import ModelMixin, SQLAlchemy
from quarterdeck.wtf import CSRFProtect

from .errors import DomainError


class Model(ModelMixin, DeclarativeBase):
    """The base of all tables; named here so that type checkers know it (``db.Model``)."""


security = Security()
db = SQLAlchemy(model_class=Model)
migrate = Migrate(db=db)
mail = Mail(db=db)
sessions = Session()
csrf = CSRFProtect()
login_manager = LoginManager(login_view="auth.login", require_login=True)
babel = Babel()
bootstrap = Bootstrap()
compress = Compress()
moment = Moment()
hub = Hub()
limiter = Limiter()
logging = Logging()
metrics = Metrics()
health = Health()
scheduler = APScheduler()
commands = Commands(expected=(DomainError,))
