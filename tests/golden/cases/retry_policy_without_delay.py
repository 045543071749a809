from weft import Backoff, RetryPolicy

RetryPolicy(max_retries=2, backoff=Backoff.EXPONENTIAL)
