"""The messages between a supervisor and its processes."""

from __future__ import annotations

import os

from quarterdeck.serving.supervisor.channel import Channel


def test_messages_files_and_the_end() -> None:
    here, other = Channel.pair()
    there = Channel(other)
    assert there.receive() == []
    reading, writing = os.pipe()
    here.send("fork", files=[writing], worker=3)
    here.send("stop")
    assert there.receive() == [{"kind": "fork", "worker": 3}]  # a message with files comes alone
    assert there.receive() == [{"kind": "stop"}]
    [passed] = there.files
    os.write(passed, b"x")
    assert os.read(reading, 1) == b"x"
    for number in (reading, writing, passed):
        os.close(number)
    here.close()
    assert there.receive() is None
    there.send("beat")  # the other side is gone
    there.close()


def test_a_line_that_was_cut_off_is_passed_over() -> None:
    here, other = Channel.pair()
    there = Channel(other)
    here.sock.sendall(b'{"kind": "be')
    assert there.receive() == []
    here.sock.sendall(b'{"kind": "beat"}\n{"kind": "ready"}\n')
    assert there.receive() == [{"kind": "ready"}]
    here.close()
    there.close()
