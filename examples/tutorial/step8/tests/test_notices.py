"""The pages, as their users see them."""

from noticeboard.extensions import scheduler
from noticeboard.models import Notice


async def notices(app):
    async with app.app_context():
        return [(each.title, each.version) for each in await Notice.query.all()]


async def path_of(app, title):
    """Return the path of a notice; servers count on after a rollback, so no id is certain."""
    async with app.app_context():
        notice = await Notice.query.filter_by(title=title).first()
    return f"/{notice.id}"


async def test_visitors_are_asked_to_sign_in(client, database):
    response = await client.get("/")

    assert response.status_code == 302
    assert response.location == "/sign-in?next=%2F"


async def test_a_notice_is_posted_changed_and_removed(app, signed_in, database):
    await signed_in.post("/new", form={"title": "Tea at four", "text": "In the kitchen."})
    page = await (await signed_in.get("/")).get_data(as_text=True)
    assert "Tea at four" in page

    path = await path_of(app, "Tea at four")
    await signed_in.post(f"{path}/edit", form={"title": "Tea at five", "version": "1"})
    assert await notices(app) == [("Tea at five", 2)]

    await signed_in.post(f"{path}/delete")
    assert await notices(app) == []


async def test_the_second_window_loses_nothing(app, signed_in, database):
    await signed_in.post("/new", form={"title": "Tea at four"})
    path = await path_of(app, "Tea at four")
    await signed_in.post(f"{path}/edit", form={"title": "Tea at five", "version": "1"})

    response = await signed_in.post(f"{path}/edit", form={"title": "Coffee", "version": "1"})
    page = await response.get_data(as_text=True)

    assert response.status_code == 409
    assert "This record was changed after you opened the page." in page
    assert 'value="Coffee"' in page
    assert await notices(app) == [("Tea at five", 2)]


async def test_an_urgent_notice_is_mailed(signed_in, database, outbox):
    await signed_in.post("/new", form={"title": "Fire drill", "text": "Now.", "urgent": "y"})

    (message,) = outbox
    assert (message.subject, message.recipients) == ("Fire drill", ["ada@example.com"])
    assert message.body == "Hello Ada,\n\nNow.\n\nAda"


async def test_old_notices_are_removed(app, signed_in, database):
    await signed_in.post("/new", form={"title": "Tea at four"})
    app.config["NOTICE_DAYS"] = -1

    async with app.app_context():
        await scheduler.run_job("remove_old_notices")

    assert await notices(app) == []
