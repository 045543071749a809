from weft import StaticPartitionsDefinition

StaticPartitionsDefinition(["eu", "us", "eu"])
