from quart import Quart

from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///ships.sqlite3"
db = SQLAlchemy(app)
Migrate(app, db)
