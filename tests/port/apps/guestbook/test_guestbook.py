import unittest

from guestbook import Message, app, db


class GuestbookTestCase(unittest.TestCase):
    def setUp(self):
        app.config["TESTING"] = True
        self.context = app.app_context()
        self.context.push()
        db.create_all()
        db.session.add(Message(body="Hello World"))
        db.session.commit()
        self.client = app.test_client()

    def tearDown(self):
        db.session.remove()
        db.drop_all()
        self.context.pop()

    def write(self, body):
        return self.client.post("/book/", data=dict(body=body), follow_redirects=True)

    def test_index(self):
        response = self.client.get("/book/")
        self.assertIn("Hello World (hello-world)", response.get_data(as_text=True))

    def test_write(self):
        data = self.write("Good Day").get_data(as_text=True)
        self.assertIn("good-day", data)
        self.assertEqual(Message.query.count(), 2)

    def test_count(self):
        data = self.client.get("/book/count").get_json()
        self.assertEqual(data, {"count": 1, "first": "Hello World"})

    def test_query(self):
        found = db.session.query(Message).filter_by(slug="hello-world").one_or_none()
        self.assertIsNotNone(found)


if __name__ == "__main__":
    unittest.main()
