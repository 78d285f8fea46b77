from faulty_server import server  # noqa: F401 - a fixture
