"""Receivers are tested through the web server that carries them."""

from tests.serve.conftest import client, connected, running, server

__all__ = ["client", "connected", "running", "server"]
