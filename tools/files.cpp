#include "files.hpp"

#include <fstream>
#include <iostream>

#include "failure.hpp"

namespace trestle::tool {

void require_writable(const std::string& path) {
  if (!path.empty() && !std::ofstream(path, std::ios::app)) throw Failure(kOwnFailure, "cannot write to " + path);
}

void write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw Failure(kOwnFailure, "cannot write to " + path);
  std::cerr << "trestle: wrote " << path << '\n';
}

}  // namespace trestle::tool
