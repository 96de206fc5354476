"""The extensions. They are made here and bound to the app in the factory."""

from quarterdeck.bootstrap import Bootstrap
from quarterdeck.login import LoginManager
from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect

db = SQLAlchemy()
migrate = Migrate(db=db)
csrf = CSRFProtect()
bootstrap = Bootstrap()
login = LoginManager(login_view="auth.sign_in", require_login=True)
