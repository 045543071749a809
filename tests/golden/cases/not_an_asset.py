from weft import Definitions


def orders() -> int:
    return 1


Definitions([orders]).resolve()
