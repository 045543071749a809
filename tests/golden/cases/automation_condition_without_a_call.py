"""The condition is the method itself."""

from weft import AutomationCondition, asset


@asset(automation_condition=AutomationCondition.eager)
def orders(): ...
