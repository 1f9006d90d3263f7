// Tries one program after the other, each on the heap as it was at this process's start, for who chooses them.
#pragma once

namespace trestle::conform {

// `memory` is the descriptor of a Channel, `turns` that of the socket. Returns main's status when the other end is gone.
[[nodiscard]] int serve(int memory, int turns, unsigned seconds_per_program);

}  // namespace trestle::conform
