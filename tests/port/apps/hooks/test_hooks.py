from unittest import TestCase, main

from hooks import app


class HooksTestCase(TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_hooks(self):
        response = self.client.post("/hooks/", data={"name": "ada"})
        self.assertEqual(response.get_data(as_text=True), "ada 42")
        self.assertEqual(response.headers["X-Length"], "6")

    def test_environ(self):
        self.assertEqual(self.client.get("/hooks/slow").data, b"GET")

    def test_stream(self):
        with app.test_client() as c:
            self.assertEqual(c.get("/hooks/stream?more=c").data, b"ac")

    def test_thread(self):
        self.assertEqual(self.client.get("/hooks/thread").data, b"hooks")


if __name__ == "__main__":
    main()
