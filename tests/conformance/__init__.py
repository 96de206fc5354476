"""The conformance of ``/ws/echo`` by Autobahn's fuzzing client, run by hand."""
