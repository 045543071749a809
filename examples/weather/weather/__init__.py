"""The demo project of weft. `weather.definitions` is the place to start reading."""
