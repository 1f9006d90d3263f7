#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "bench/catalogue.hpp"
#include "child.hpp"
#include "failure.hpp"
#include "preload.hpp"
#include "rounds.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

// Debian's name of a library and of its package.
struct Peer {
  const char* name;
  const char* package;
  const char* library;
};

constexpr std::array kPeers{
    Peer{"glibc", "libc6", "libc.so.6"},
    Peer{"jemalloc", "libjemalloc2", "libjemalloc.so.2"},
    Peer{"mimalloc", "libmimalloc2.0", "libmimalloc.so.2"},
    Peer{"tcmalloc", "libtcmalloc-minimal4", "libtcmalloc_minimal.so.4"},
    Peer{"scudo", "libclang-rt-19-dev", "libclang_rt.scudo_standalone-x86_64.so"},
};

bool is_there(const fs::path& path) {
  std::error_code unseen;
  return fs::is_regular_file(path, unseen);
}

// What a program prints, without its last newline; empty where it fails or is not there.
std::string said_by(const std::vector<std::string>& words) {
  try {
    const Heard heard = listen_to_child(words, {});
    if (heard.ended.status != 0) return "";
    return heard.out.substr(0, heard.out.find('\n'));
  } catch (const Failure&) {
    return "";
  }
}

std::string path_of(const Peer& peer) {
  for (const char* const directory :
       {"/usr/lib/" TRESTLE_MULTIARCH, "/lib/" TRESTLE_MULTIARCH, "/usr/lib64", "/usr/lib"}) {
    const fs::path candidate = fs::path(directory) / peer.library;
    if (is_there(candidate)) return candidate;
  }
  const std::string of_clang = said_by({"clang-19", "-print-file-name=" + std::string(peer.library)});
  return is_there(of_clang) && of_clang.starts_with('/') ? of_clang : "";
}

void add_peers(Found& found) {
  for (const Peer& peer : kPeers) {
    const std::string path = path_of(peer);
    if (path.empty()) {
      found.missing.push_back(
          {peer.name, "no " + std::string(peer.library) + ": Debian's " + peer.package + " has it"});
    } else {
      found.there.push_back({peer.name, path, said_by({"dpkg-query", "-W", "-f", "${Version}", peer.package})});
    }
  }
}

void add_ours(Found& found) {
  for (const char* const policy : {"fast", "hardened", "debug"}) {
    try {
      found.there.push_back({policy, library_of(policy), TRESTLE_VERSION});
    } catch (const Failure& failure) {
      found.missing.push_back({policy, failure.what()});
    }
  }
}

// The bytes that say what an ELF file is; all zero where it is none.
Elf64_Ehdr header_of(const fs::path& file) {
  Elf64_Ehdr header = {};
  std::ifstream bytes(file, std::ios::binary);
  if (!bytes.read(reinterpret_cast<char*>(&header), sizeof header)) return {};
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 ? header : Elf64_Ehdr{};
}

void refuse_taken(const Allocator& given, const Found& found) {
  const auto is_same = [&](const auto& other) { return other.name == given.name; };
  if (std::none_of(found.there.begin(), found.there.end(), is_same) &&
      std::none_of(found.missing.begin(), found.missing.end(), is_same)) {
    return;
  }
  throw Failure(kUsage, "--library: the name " + given.name + " is taken");
}

}  // namespace

Allocator library_at(const std::string& name, const std::string& given, const std::string& option) {
  const fs::path path = fs::absolute(given).lexically_normal();
  if (!is_there(path)) throw Failure(kUsage, option + ": no file " + path.string());
  if (path.string().find_first_of(": ") != std::string::npos) {
    throw Failure(kUsage, option + ": the loader cannot preload from a path with a space or a colon: " + path.string());
  }
  const Elf64_Ehdr header = header_of(path);
  if (header.e_type != ET_DYN || header.e_ident[EI_CLASS] != ELFCLASS64) {
    throw Failure(kUsage, option + ": not a 64-bit shared library: " + path.string());
  }
  return {name, path, ""};
}

Allocator parse_library(const std::string& given) {
  const std::size_t equals = given.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == given.size()) {
    throw Failure(kUsage, "--library: not NAME=PATH: " + given);
  }
  const std::string name = given.substr(0, equals);
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") !=
      std::string::npos) {
    throw Failure(kUsage, "--library: a name has letters, digits and _.+- only: " + name);
  }
  return library_at(name, given.substr(equals + 1), "--library");
}

Found find_installed() {
  Found found;
  add_peers(found);
  add_ours(found);
  return found;
}

Found find_allocators(const std::vector<std::string>& given, const std::string& pattern, const fs::path& programs) {
  Found found = find_installed();
  std::error_code unseen;
  if (fs::exists(programs / kTwins, unseen)) {
    found.there.push_back({kTwins, "", said_by({"clang-19", "-dumpversion"})});
  } else {
    found.missing.push_back({kTwins, "no " + (programs / kTwins).string() + ": built where clang++-19 is"});
  }
  for (const std::string& word : given) {
    const Allocator library = parse_library(word);
    refuse_taken(library, found);
    found.there.push_back(library);
  }
  const auto is_unwanted = [&](const auto& one) { return !has_match(one.name, pattern); };
  std::erase_if(found.there, is_unwanted);
  std::erase_if(found.missing, is_unwanted);
  if (found.there.empty()) throw Failure(kUsage, "no allocator's name matches " + pattern + "; --list names them");
  return found;
}

bool fits(const Workload& workload, const Allocator& allocator) {
  const bool is_ours = allocator.name == "fast" || allocator.name == "hardened" || allocator.name == "debug";
  if (workload.ours_only) return is_ours;
  return allocator.name != kTwins || (workload.is_row() && workload.words[0].starts_with("{programs}"));
}

}  // namespace trestle::tool
