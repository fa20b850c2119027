"""Seeds of the tests on generated networks."""


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        seeds = range(*metafunc.config.getoption("--seeds"))
        metafunc.parametrize("seed", seeds, ids=lambda seed: f"seed{seed}")
