"""The daemon: services that go on while nobody looks. One thread for each; any number of daemons may serve an instance at a time."""
