import pytest
from faulty_server import FaultyServer


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("FACEZOO_MIRROR", raising=False)
    running = FaultyServer()
    yield running
    running.stop()
