"""The tests: a folder for each folder of the project, and what they share."""
