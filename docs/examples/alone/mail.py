from quart import Quart

from quarterdeck.mail import Mail, Message

app = Quart(__name__)
app.config.update(MAIL_BACKEND="memory", MAIL_DEFAULT_SENDER="Harbour <harbour@example.com>")
mail = Mail(app)


@app.get("/")
async def index():
    await mail.send(Message("Arrival", ["agent@example.com"], body="Endeavour has docked."))
    return mail.messages[-1].content
