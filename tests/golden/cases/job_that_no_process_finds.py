"""A job made inside a function is to be found by other processes."""

from weft import job, op, reconstructable


@op
def load(): ...


def make():
    @job
    def nightly():
        load()

    return nightly


reconstructable(make())
