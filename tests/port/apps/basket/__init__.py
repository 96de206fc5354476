"""A basket in the session; names through ``import flask``."""

import flask


def create_app():
    app = flask.Flask(__name__)
    app.secret_key = "key"

    @app.route("/basket/add/<item>", methods=["POST"])
    def add(item):
        flask.session.setdefault("items", []).append(item)
        flask.session.modified = True
        flask.flash(f"Added {item}.")
        return flask.redirect(flask.url_for("show"))

    @app.route("/basket/")
    def show():
        return flask.render_template_string(
            "{{ get_flashed_messages()|join }} {{ session.get('items', [])|join(' ') }}"
        )

    @app.route("/basket/echo", methods=["POST"])
    def echo():
        values = flask.request.json
        return flask.jsonify(values, size=len(flask.request.data)) if not values else values

    return app
