"""Uploads: limits for size and kind, safe names, files that stream to the disk.

pip install 'quarterdeck[wtf]'
quarterdeck serve uploads:app
"""

import asyncio
import os
from pathlib import Path

from quart import Quart, redirect, render_template_string, send_from_directory, url_for
from werkzeug.utils import secure_filename

from quarterdeck.wtf import (
    CSRFProtect,
    FileAllowed,
    FileRequired,
    FileSize,
    MultipleFileField,
    QuartForm,
)

app = Quart(__name__)
app.secret_key = "change this text"
app.config["MAX_CONTENT_LENGTH"] = 4_000_000  # a larger body is not even read: 413
CSRFProtect(app)
folder = Path(app.instance_path) / "uploads"

PAGE = """
<form method="post" enctype="multipart/form-data">
{{ form.hidden_tag() }} {{ form.pictures }} {{ form.pictures.errors | join(" ") }}
<button>Upload</button></form>
{% for name in names %}<a href="{{ url_for('download', name=name) }}">{{ name }}</a> {% endfor %}
"""


class UploadForm(QuartForm):
    pictures = MultipleFileField(
        validators=[FileRequired(), FileAllowed(["png", "jpg"]), FileSize(2_000_000)]
    )


@app.before_serving
def make_folder():
    folder.mkdir(parents=True, exist_ok=True)


@app.route("/", methods=["GET", "POST"])
async def index():
    form = await UploadForm.from_request()
    if await form.validate_on_submit():
        for picture in form.pictures.data:
            if name := secure_filename(picture.filename):
                await picture.save(folder / name)
        return redirect(url_for("index"))
    names = sorted(await asyncio.to_thread(os.listdir, folder))
    return await render_template_string(PAGE, form=form, names=names)


@app.get("/files/<name>")
async def download(name: str):
    return await send_from_directory(folder, name, as_attachment=True)
