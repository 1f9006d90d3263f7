// A corpus made smaller without ever being less than it was: what covers as much goes to a directory beside it, which takes its
// place when it is whole.
#pragma once

#include <filesystem>
#include <functional>

namespace trestle::tool {

struct Merged {
  std::size_t before;
  std::size_t after;
};

// `merge` fills its first directory, which is empty, with what is worth keeping of the second, and answers whether it could.
// The two then change places in one step: whoever is killed before leaves the corpus as it was, and after, the smaller one. An
// input that another process puts into the corpus meanwhile is kept. Throws Failure, with the corpus as it was, where `merge`
// could not, where it left nothing of something, or where the directories cannot change places.
Merged merge_corpus(const std::filesystem::path& corpus,
                    const std::function<bool(const std::filesystem::path&, const std::filesystem::path&)>& merge);

}  // namespace trestle::tool
