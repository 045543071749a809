from weft import DailyPartitionsDefinition

DailyPartitionsDefinition(start_date="2024-01-01", timezone="Europe/Berln")
