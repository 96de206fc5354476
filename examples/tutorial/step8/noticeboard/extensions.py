"""The extensions. They are made here and bound to the app in the factory."""

from quarterdeck.apscheduler import APScheduler
from quarterdeck.bootstrap import Bootstrap
from quarterdeck.health import Health
from quarterdeck.login import LoginManager
from quarterdeck.mail import Mail
from quarterdeck.migrate import Migrate
from quarterdeck.security import Security
from quarterdeck.sockets import Hub
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect

db = SQLAlchemy()
migrate = Migrate(db=db)
csrf = CSRFProtect()
bootstrap = Bootstrap()
login = LoginManager(login_view="auth.sign_in", require_login=True)
hub = Hub()
mail = Mail(db=db)
scheduler = APScheduler()
security = Security()
health = Health()

ALL = (security, db, migrate, csrf, bootstrap, login, hub, mail, scheduler, health)
