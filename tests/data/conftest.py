"""What the tests of fetching share."""

import pytest

from range_server import serving


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "host") as running:
        yield running
