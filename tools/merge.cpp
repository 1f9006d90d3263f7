#include "merge.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <system_error>

#include "failure.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

std::set<fs::path> names_in(const fs::path& directory) {
  std::set<fs::path> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) names.insert(fs::relative(entry.path(), directory));
  return names;
}

// An empty directory beside the corpus, so that it is on the same file system. It goes with its scope, whatever is in it.
class Beside {
 public:
  explicit Beside(const fs::path& corpus) {
    std::string name = corpus.string() + ".merging-XXXXXX";
    if (mkdtemp(name.data()) == nullptr)
      throw Failure(kOwnFailure, "cannot make " + name + ": " + std::strerror(errno));
    path_ = name;
    std::error_code unseen;
    fs::permissions(path_, fs::status(corpus).permissions(), unseen);
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    std::error_code unseen;
    fs::remove_all(path_, unseen);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// To the corpus, what came to `old` after `known` was listed.
void keep_late(const fs::path& old, const std::set<fs::path>& known, const fs::path& corpus) {
  for (const fs::path& name : names_in(old)) {
    if (known.contains(name)) continue;
    fs::create_directories((corpus / name).parent_path());
    fs::rename(old / name, corpus / name);
  }
}

}  // namespace

Merged merge_corpus(const fs::path& given, const std::function<bool(const fs::path&, const fs::path&)>& merge) {
  const fs::path corpus = fs::canonical(given);  // not a link to it, which would take its place
  const std::set<fs::path> known = names_in(corpus);
  const Beside fresh(corpus);
  const std::string as_it_was = "; " + corpus.string() + " is as it was";
  if (!merge(fresh.path(), corpus)) throw Failure(kOwnFailure, "the merge failed" + as_it_was);
  const std::size_t kept = names_in(fresh.path()).size();
  if (kept == 0 && !known.empty()) throw Failure(kOwnFailure, "the merge kept nothing" + as_it_was);
  if (renameat2(AT_FDCWD, fresh.path().c_str(), AT_FDCWD, corpus.c_str(), RENAME_EXCHANGE) != 0)
    throw Failure(kOwnFailure,
                  "cannot put the merged corpus in its place: " + std::string(std::strerror(errno)) + as_it_was);
  keep_late(fresh.path(), known, corpus);
  return {known.size(), kept};
}

}  // namespace trestle::tool
