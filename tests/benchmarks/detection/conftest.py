import pytest
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.world import World, make_world


@pytest.fixture(scope="session")
def small_settings() -> WorldSettings:
    return WorldSettings(tenants=40, days=10, widespread=1, fleet_flags=1, outages=1)


@pytest.fixture(scope="session")
def world(small_settings) -> World:
    return make_world(small_settings, 7)
