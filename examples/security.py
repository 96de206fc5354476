"""Security headers: a strict policy with a nonce, and exceptions for one view.

pip install quarterdeck
quarterdeck serve security:app
"""

from quart import Quart, render_template_string

from quarterdeck.security import Security, security_headers

app = Quart(__name__)
Security(app, content_security_policy={"img-src": ["'self'", "https://img.example.com"]})


@app.get("/")
async def index():
    return await render_template_string('<script nonce="{{ csp_nonce() }}">sail()</script>')


@app.get("/card")
@security_headers(content_security_policy={"frame-ancestors": "https://partner.example.com"})
async def card():
    return "for the partner's page"
