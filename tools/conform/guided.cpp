#include "conform/guided.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>

#include "failure.hpp"
#include "files.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

// A directory that is gone when this is.
class WorkDirectory {
 public:
  WorkDirectory() {
    std::string path = (fs::temp_directory_path() / "trestle-conform-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw Failure(kOwnFailure, "conform: cannot make the directory " + path);
    path_ = path;
  }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory() {
    std::error_code unseen;
    fs::remove_all(path_, unseen);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// What the process wrote, a line each: what, tab, how much.
std::map<std::string, std::string> read_result(const fs::path& path) {
  std::map<std::string, std::string> result;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) result[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return result;
}

// Behind a line's end; empty where there is no such file.
std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.empty() ? "" : "\n" + text;
}

std::size_t files_in(const fs::path& directory) {
  std::error_code unseen;
  std::size_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, unseen)) count += entry.is_regular_file();
  return count;
}

// Kept where the user is, beside what else of that library is there.
fs::path keep_input(const fs::path& input, const std::string& library) {
  fs::path kept = "conform-" + library + ".input";
  for (int i = 2; fs::exists(kept); ++i) kept = "conform-" + library + "-" + std::to_string(i) + ".input";
  std::error_code error;
  fs::copy_file(input, kept, error);
  if (error) throw Failure(kOwnFailure, "conform: cannot write " + kept.string() + ": " + error.message());
  return kept;
}

void tell_what_was_done(const std::string& name, std::map<std::string, std::string>& result, const fs::path& corpus) {
  std::cout << name << ": " << result["programs"] << " programs";
  if (result["edges"] == "0") {
    std::cout << ", unguided";
  } else {
    std::cout << ", " << result["reached"] << " of " << result["edges"] << " edges reached, corpus of "
              << files_in(corpus);
  }
  std::cout << '\n';
}

}  // namespace

bool fuzz_library(const GuidedRequest& request, const ConformKit& kit, const Allocator& allocator) {
  const WorkDirectory work;
  const fs::path corpus = request.corpus.empty() ? work.path() / "corpus" : fs::absolute(request.corpus);
  std::error_code error;
  fs::create_directories(corpus, error);
  if (error) throw Failure(kUsage, "conform: --corpus: no directory " + corpus.string() + ": " + error.message());
  const std::uint32_t seed = request.seed.value_or(std::random_device{}() | 1);
  const int status = kit.fuzz(allocator, {.seconds = request.seconds,
                                          .runs = request.runs,
                                          .seed = seed,
                                          .corpus = corpus,
                                          .input = work.path() / "input",
                                          .result = work.path() / "result"});
  std::map<std::string, std::string> result = read_result(work.path() / "result");
  const bool has_failed = result.count("failure") != 0;
  if (result.count("edges") == 0 || (status != 0 && !has_failed))
    throw Failure(kOwnFailure, "conform: " + allocator.name + ": conform_fuzz ended with status " +
                                   std::to_string(status) + text_of(work.path() / "result.log"));
  tell_what_was_done(allocator.name, result, corpus);
  if (!has_failed) return true;
  std::cout << allocator.name << " (" << allocator.path << "): " << result["failure"] << '\n'
            << "the program's bytes: " << keep_input(work.path() / "input", allocator.name).string() << "\n\n"
            << kit.shrunk_input((work.path() / "input").string(), allocator);
  return false;
}

}  // namespace trestle::tool
