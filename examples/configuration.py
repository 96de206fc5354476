"""Configuration: classes for each environment, then files, then environment variables.

pip install quarterdeck
HARBOUR_BERTHS=12 quarterdeck serve configuration:app
quarterdeck config configuration            # each key with its value and source
"""

import os
import secrets

from quarterdeck.app import Quart


class Config:
    BERTHS = 4
    PILOTS = ["Ada"]
    SECRET_KEY = secrets.token_hex()  # sessions end with the process

    @staticmethod
    def init_app(app: Quart) -> None:
        app.logger.info("%s berths", app.config["BERTHS"])


class Development(Config):
    DEBUG = True
    TEMPLATES_AUTO_RELOAD = True


class Production(Config):
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_SAMESITE = "Lax"
    MAX_CONTENT_LENGTH = 2 * 2**20


app = Quart(__name__, instance_relative_config=True)
app.config.from_object(Development if os.environ.get("QUART_DEBUG") else Production)
app.config.from_pyfile("harbour.cfg", silent=True)  # instance/harbour.cfg
app.config.from_envvar("HARBOUR_SETTINGS", silent=True)  # the path of one more file
app.config.from_prefixed_env("HARBOUR")  # HARBOUR_BERTHS=12 is the number 12
app.config.update(FERRIES=2)  # only upper-case keys are configuration
Config.init_app(app)


@app.get("/")
async def index():
    return {key: app.config[key] for key in ("BERTHS", "PILOTS", "FERRIES", "DEBUG")}
