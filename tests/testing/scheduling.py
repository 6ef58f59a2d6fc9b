"""How a parallel run deals the files of tests out to its processes."""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

# Those of more than half a minute, longest first: whoever is done early takes
# short ones, so that all end together. The second publishes the models that
# many files need, while the first is still at work.
_LONG = (
    "tests/training/trainer_test.py",
    "tests/export/saved_model/publish_test.py",
    "tests/training/workers_test.py",
    "tests/export/tflite/tflite_test.py",
    "tests/repo/bazel_test.py",
    "tests/evaluation/evaluation_test.py",
    "tests/training/finetuning_test.py",
    "tests/repo/docs_test.py",
    "tests/serving/conformance_test.py",
    "tests/export/saved_model/sessions_test.py",
    "tests/export/saved_model/models_test.py",
    "tests/export/saved_model/stateless_test.py",
    "tests/model/ai_sketcher_test.py",
    "tests/export/studio/offline_test.py",
    "tests/evaluate_test.py",
    "tests/evaluation/classifier_test.py",
    "tests/serving/server/service_test.py",
    "tests/repo/package_test.py",
    "tests/generate_test.py",
)
# Reads the evaluation that the tests of the other file are about as well.
_WITH = {
    "tests/evaluation/report_test.py": "tests/evaluation/evaluation_test.py",
}
_BYTES = 3 * 2**30  # of memory that a process and what it starts may need


def number_of_processes() -> int:
    """Two more than CPUs, as they often wait for what they have started.

    As far as there is memory for them.
    """
    cpus = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cpus + 2, memory // _BYTES))


def long_files_first(items: list[pytest.Item]) -> None:
    """Sorts tests; those of a file keep their order."""
    ranks = {name: rank for rank, name in enumerate(_LONG)}
    items.sort(key=lambda item: ranks.get(_scope(item.nodeid), len(ranks)))


def _scope(nodeid: str) -> str:
    """What is run in one process: a file, or two."""
    file = nodeid.partition("::")[0]
    return _WITH.get(file, file)


class Scheduling(LoadFileScheduling):
    """By files, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)
