"""Loading the user's code. (Planned: the zygote that workers are forked from, and the server in front of it.)"""
