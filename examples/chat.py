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
<script>
const name = prompt("Your name") || "Guest";
let last, socket;
function open() {
  socket = new WebSocket(location.href.replace(/^http/, "ws") + "ws?name=" + encodeURIComponent(name));
  socket.onopen = () => send({type: "subscribe", room: "chat:deck", since: last});
  socket.onclose = () => setTimeout(open, 1000 + 2000 * Math.random());
  socket.onmessage = ({data}) => {
    const message = JSON.parse(data);
    last = message.id ?? last;  // the next subscription begins behind this event
    if (message.name !== "said") return;
    const line = document.createElement("li");
    line.textContent = message.data.by.name + ": " + message.data.text;
    lines.append(line);
  };
}
const send = (message) => socket.send(JSON.stringify(message));
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  send({type: "say", room: "chat:deck", text: event.target.text.value});
  event.target.reset();
};
open();
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
