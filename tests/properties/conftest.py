"""Property tests take as long as the machine needs."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sentinel", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("sentinel")
