"""Commands for gdb that look at the heap of Trestle's, in a process or a core: `source` this file, then `help trestle`.
docs/gdb.md has more."""

import os
import sys

_here = os.path.dirname(os.path.realpath(sys._getframe().f_code.co_filename))  # __file__ is that of who sources this
_kept = sys.dont_write_bytecode
sys.dont_write_bytecode = True  # the folder may be one of the system's
sys.path.insert(0, _here)
try:
    for _name in [name for name in sys.modules if name.split(".")[0] == "trestle_gdb"]:
        del sys.modules[_name]  # sourced again: as it is now
    from trestle_gdb import commands as _commands
finally:
    sys.path.remove(_here)
    sys.dont_write_bytecode = _kept
_commands.register()
