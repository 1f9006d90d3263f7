"""The heap of a process or core, as gdb reads it: nothing here calls a function of the program or writes to it."""
