#include "preload.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <system_error>

#include "elf_file.hpp"
#include "failure.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

// What cannot be looked at is no program; that it is there is no error of ours.
bool is_program(const fs::path& path) {
  std::error_code unseen;
  return fs::is_regular_file(path, unseen) && access(path.c_str(), X_OK) == 0;
}

bool gains_privilege(const fs::path& program) {
  struct stat file = {};
  if (stat(program.c_str(), &file) != 0) return false;
  if ((file.st_mode & S_ISUID) != 0 && file.st_uid != getuid()) return true;
  if ((file.st_mode & S_ISGID) != 0 && file.st_gid != getgid()) return true;
  return geteuid() != 0 && getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
}

// Without an interpreter there is no loader in the process to preload anything.
std::optional<std::string> obstacle_in_file(const fs::path& program) {
  ElfFile file(program);
  if (!file.is_elf()) return std::nullopt;
  if (!file.is_64_bit()) return "is not a 64-bit program";
  const bool interpreted = file.has_segment([](const Elf64_Phdr& segment) { return segment.p_type == PT_INTERP; });
  if (interpreted || file.is_cut_off()) return std::nullopt;
  return "is statically linked";
}

}  // namespace

std::optional<fs::path> find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/bin:/usr/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    fs::path candidate = fs::path(directory.empty() ? "." : directory) / program;
    if (is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

fs::path own_directory() { return fs::read_symlink("/proc/self/exe").parent_path(); }

fs::path library_of(const std::string& policy) {
  return library_named(policy == "hardened" ? "libtrestle.so" : "libtrestle-" + policy + ".so");
}

fs::path library_named(const std::string& name) {
  const fs::path here = own_directory();
  const fs::path built = (here / "../lib" / name).lexically_normal();
  const fs::path installed = (here / TRESTLE_LIBRARY_FROM_TOOL / name).lexically_normal();
  std::error_code unseen;
  const fs::path& library = fs::exists(built, unseen) ? built : installed;
  if (!fs::exists(library, unseen)) {
    throw Failure(kOwnFailure,
                  "no " + name + ": neither " + built.string() + " nor " + installed.string() + " is there");
  }
  if (library.string().find_first_of(": ") != std::string::npos) {
    throw Failure(kOwnFailure, "the loader cannot preload from a path with a space or a colon: " + library.string());
  }
  return library;
}

std::optional<std::string> obstacle_in(const std::string& program) {
  const std::optional<fs::path> path = find_program(program);
  if (!path) return std::nullopt;
  if (gains_privilege(*path)) return "runs with more privileges than its caller (setuid, setgid or capabilities)";
  return obstacle_in_file(*path);
}

}  // namespace trestle::tool
