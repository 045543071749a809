"""The check of a type returns a number."""

from weft import ValueType, check_value_type

check_value_type(ValueType(lambda context, value: len(value), "NotEmpty"), [1])
