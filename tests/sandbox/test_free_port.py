"""Where the sandbox listens."""

from __future__ import annotations

import socket

from ledger_sandbox.stack import free_port


def test_a_port_on_which_something_listens_is_left_alone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert free_port(taken) != taken


def test_a_port_whose_server_has_just_ended_is_taken_again():
    """The demo's address is the same when it is started again at once: its last connections are still closing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            connection, _ = server.accept()
            # who closes first is left with the closing connection
            connection.close()
            assert client.recv(1) == b""
    assert free_port(port) == port
