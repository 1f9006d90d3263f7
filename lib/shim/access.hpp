// Accesses that the hardware refuses: to a freed large block, past the end of one, to a block of no bytes.
#pragma once

namespace trestle {

// From now on such an access is reported and ends the process, as a fault that a call finds does. Every other SIGSEGV goes to
// the handler that was there before, or ends the process as if there were none here. A handler that the program installs later
// takes the place of this one.
[[gnu::cold]] void handle_refused_accesses() noexcept;

}  // namespace trestle
