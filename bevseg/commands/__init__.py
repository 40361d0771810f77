"""The body of each command of `bevseg`: `add_arguments(parser)` and `run(args) -> ExitCode`.

The first line of a module's docstring is the command's help. Every command is imported to print `bevseg --help`, so
a module imports only the standard library and `bevseg.commands.output` at its top, and what it works with in `run`.
"""
