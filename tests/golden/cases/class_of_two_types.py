"""A class is made to stand for two types."""

from weft import PythonObjectValueType, make_python_type_usable_as_value_type


class Orders: ...


make_python_type_usable_as_value_type(Orders, PythonObjectValueType(Orders, "Orders"))
make_python_type_usable_as_value_type(Orders, PythonObjectValueType(Orders, "OrderTable"))
