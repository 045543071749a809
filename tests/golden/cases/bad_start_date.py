from weft import DailyPartitionsDefinition

DailyPartitionsDefinition(start_date="01.02.2024")
