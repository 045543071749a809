"""The program of a worker that loads the user's code itself: ``python -m weft.codeserver.worker SPEC_FD FD...``.

Started by a zygote that does not fork. What it is to load stands in the environment, what it is to do in the file `SPEC_FD`.
"""

from __future__ import annotations

import os
import sys

from weft.codeserver.zygote import HELLO_VARIABLE, load_roles
from weft.processes.specs import HELLO_DECODER, WORKER_SPEC_DECODER
from weft.processes.worker import become_worker, run_role
from weft.runs.worker import RUN_ROLE, say_that_it_does_not_load


def main(arguments: list[str]) -> int:
    """See the module."""
    fds = [int(text) for text in arguments]
    with open(fds.pop(0), "rb") as file:  # noqa: PTH123  # a descriptor
        spec = WORKER_SPEC_DECODER.decode(file.read())
    for fd in fds:
        os.set_inheritable(fd, False)
    become_worker(spec)
    hello = HELLO_DECODER.decode(bytes.fromhex(os.environ.pop(HELLO_VARIABLE)))
    try:
        roles, _ = load_roles(hello)
    except BaseException as error:
        if spec.role == RUN_ROLE:  # nobody else can tell why; a step's coordinator has loaded the same code itself
            say_that_it_does_not_load(spec.payload, error)
        raise
    return run_role(roles[spec.role], spec, fds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
