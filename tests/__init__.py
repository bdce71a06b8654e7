"""A package by its file, for another one of this name may be installed: garmin-fit-sdk brings its own `tests`."""
