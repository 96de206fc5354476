"""A chat over WebSockets: rooms, presence, and no message lost when a line breaks.

pip install quarterdeck
quarterdeck serve chat:app                  # open the page in two windows
"""

from quart import Quart, render_template_string, websocket

from quarterdeck.sockets import Hub, Member

app = Quart(__name__)
hub = Hub(app)

PAGE = """
<!doctype html><title>Chat</title>
<ul id="lines"></ul><form><input name="text" autofocus><button>Say</button></form>
<script type="module">
import { connect } from "{{ url_for('sockets.static', filename='client.js') }}";

const name = prompt("Your name") || "Guest";
const room = "chat:deck";
const chat = connect([room], {
  event({ data }) {
    const line = document.createElement("li");
    line.textContent = `${data.by.name}: ${data.text}`;
    document.getElementById("lines").append(line);
  },
}, { path: `ws?name=${encodeURIComponent(name)}` });
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  if (chat.say(room, event.target.text.value)) event.target.reset();
};
</script>
"""


@app.get("/")
async def index():
    return await render_template_string(PAGE)


@hub.identify
async def identify():
    name = websocket.args.get("name", "").strip()[:40]
    return Member(name.casefold(), name) if name else None


@hub.room("chat:<place>")
async def may_enter(member: Member, place: str):
    return place != "captain"


@app.websocket("/ws")
async def live():
    await hub.serve()
