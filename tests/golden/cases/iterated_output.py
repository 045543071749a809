from weft import job, op


@op
def numbers() -> list[int]:
    return [1, 2]


@op
def double(value: int) -> int:
    return 2 * value


@job
def pipeline() -> None:
    for number in numbers():
        double(number)
