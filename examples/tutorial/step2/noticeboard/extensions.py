"""The extensions. They are made here and bound to the app in the factory."""

from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate(db=db)
