from weft import DynamicOutput

DynamicOutput(1, mapping_key="a/b")
