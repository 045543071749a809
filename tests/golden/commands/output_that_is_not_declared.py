"""An op yields an output that it does not declare."""

from weft import Definitions, Out, Output, job, op


@op(out={"head": Out(), "tail": Out()})
def split():
    yield Output(1, "head")
    yield Output(2, "tial")


@job
def nightly():
    split()


defs = Definitions(jobs=[nightly])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("job", "execute", "-f", "shop.py", "nightly")
