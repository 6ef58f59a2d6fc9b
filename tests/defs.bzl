"""The macro that makes a test of every test file of a folder."""

load("@rules_python//python:py_test.bzl", "py_test")

def pytest_suite(name, srcs, deps, data = [], tags = []):
    """One py_test per file, run by pytest, and a suite of them all.

    Args:
        name: of the suite.
        srcs: the test files.
        deps: of all of them together.
        data: files that they read.
        tags: of every test.
    """
    tests = []
    for src in srcs:
        test = src.replace(".py", "")
        py_test(
            name = test,
            srcs = [src],
            # Pytest is the main module, so that the tests in the file do run.
            main_module = "pytest",
            args = ["%s/%s" % (native.package_name(), src)],
            data = data,
            tags = tags,
            deps = deps,
        )
        tests.append(test)
    native.test_suite(
        name = name,
        tags = tags,
        tests = tests,
    )
