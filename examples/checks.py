"""Checks: rules of your own beside those of the kit.

pip install quarterdeck
quarterdeck serve checks:app
quarterdeck check checks --deploy
"""

from quart import Quart, current_app

from quarterdeck.checks import Checks, Problem, Severity, Target, rule, run_rules

app = Quart(__name__)


@rule("SHIP001", Severity.WARNING, "The harbour has no pilot.")
def pilot(target):
    if not target.get("HARBOUR_PILOT"):
        yield Problem("HARBOUR_PILOT", "is not set", "Name one.")


Checks(app, rules=[pilot])


@app.get("/")
async def index():
    findings, _ = await run_rules(Target(current_app), deploy=True, without={"QD001"})
    return "\n".join(map(str, findings))
