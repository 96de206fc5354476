import unittest

from poll import Choice, Voter, app, db


class BaseCase(unittest.TestCase):
    def setUp(self):
        self.context = app.app_context()
        self.context.push()
        db.create_all()
        db.session.add_all([Choice(title="tea"), Choice(title="milk")])
        db.session.commit()

    def tearDown(self):
        db.session.remove()
        db.drop_all()
        self.context.pop()


class PollCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.client = app.test_client()

    def test_vote(self):
        rv = self.client.post("/poll/", json={"title": "tea", "name": "ada"})
        self.assertEqual(rv.json, {"tea": 1, "milk": 0})
        self.assertEqual(self.client.get("/poll/").get_data(as_text=True), "tea=1 milk=0 ")
        self.assertTrue(db.session.get(Choice, 1).has_vote_of(Voter.query.one()))

    def test_twice(self):
        for status in (200, 409):
            answer = self.client.post("/poll/", json={"title": "tea", "name": "ada"})
            self.assertEqual(answer.status_code, status)

    def test_unknown(self):
        self.assertEqual(self.client.post("/poll/", data="no").status_code, 404)
