"""Tests of plain unittest: ``python -m unittest unit``."""

from quarterdeck.bridge import install_import_hook

install_import_hook()

from shop import User, app, db  # noqa: E402

from quarterdeck.bridge.testing import TestCase  # noqa: E402


class Case(TestCase):
    async def setUp(self):
        self.context = app.app_context()
        await self.context.push()
        await db.create_all()

    def tearDown(self):
        db.drop_all()
        self.context.pop()

    def test_plain(self):
        db.session.add(User(name="ada"))
        db.session.commit()
        self.assertEqual(app.test_client().get("/me", auth=("ada", "right")).text, "ada")

    async def test_async(self):
        self.assertEqual(await User.query.count(), 0)
        self.fail("it has run")
