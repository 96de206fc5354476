"""The identity of a process."""

from __future__ import annotations

import os

from quarterdeck._process import process_token


def test_a_forked_process_has_another_token() -> None:
    """Or the events of two workers would look like the same event sent twice."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, process_token().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    other = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    assert len(other) == len(process_token()) == 16
    assert other != process_token()
    assert process_token() == process_token()
