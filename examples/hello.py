"""Hello: an app of two views. A plain ``def`` view runs in a thread and blocks nothing.

pip install quarterdeck
quarterdeck serve hello:app                 # as in production
quart --app hello --debug run               # with reloader and tracebacks in the browser
"""

import time

from quarterdeck.app import Quart

app = Quart(__name__)


@app.get("/")
async def hello():
    return "Ahoy!"


@app.get("/slow")
def slow():
    time.sleep(0.1)  # other requests are served meanwhile
    return "Ahoy, at last."
