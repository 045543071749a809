"""What a user declares. Each definition checks itself early, describes itself as `weft.model` values and runs nothing.

Running is done above; the façades that users call on definitions (``materialize``, ``job.execute_in_process``, calling a decorated
function) reach up by the imports that the layering contract names.
"""
