// Files that a command is asked to write.
#pragma once

#include <string>

namespace trestle::tool {

// Both throw Failure, naming the path, and do nothing where the path is empty: nobody asked for that file.
// Before the minutes that the work takes. A file that is there keeps what is in it.
void require_writable(const std::string& path);
// Says on stderr that it did.
void write_file(const std::string& path, const std::string& text);

}  // namespace trestle::tool
