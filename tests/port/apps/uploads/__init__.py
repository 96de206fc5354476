"""Files: uploads, downloads and their names."""

import os

from flask import Flask, current_app, redirect, request, send_file, send_from_directory, url_for
from werkzeug.utils import secure_filename

app = Flask(__name__)
app.secret_key = "key"


@app.post("/files/")
def upload():
    file = request.files.get("file")
    if file is None or not file.filename:
        return "no file", 400
    name = secure_filename(file.filename)
    file.save(os.path.join(current_app.config["UPLOADS"], name))
    return redirect(url_for("download", name=name))


@app.get("/files/<path:name>")
def download(name):
    return send_from_directory(current_app.config["UPLOADS"], name)


@app.get("/about")
def about():
    return send_file(__file__, mimetype="text/plain")
