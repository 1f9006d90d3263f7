// Inputs on which a target failed, by how they fail: which of many are the same failure, told from what the target says of
// each.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trestle::tool {

// What two inputs that show the same mistake have in common. Numbers and addresses are left out, since they differ.
struct Signature {
  std::string what;                 // of the first report; empty: the input did not fail
  std::vector<std::string> frames;  // the innermost that are the project's, three at most
  bool operator==(const Signature&) const = default;
};

// Of a run that ended with `status` after it had said `report`: the report's kind, as a sanitizer, libFuzzer or the oracle
// names it, or the status where there is none.
[[nodiscard]] Signature signature_of(const std::string& report, int status);
// On one line.
[[nodiscard]] std::string text_of(const Signature& signature);
// The same as a file's name: small letters, digits and dashes.
[[nodiscard]] std::string slug_of(const Signature& signature);

struct CrashGroup {
  Signature signature;
  std::vector<std::filesystem::path> inputs;  // the smallest first
};

// Each input is asked about once. One that did not fail is in no group but its own; the groups are in the order of their first
// inputs.
[[nodiscard]] std::vector<CrashGroup> grouped(
    const std::vector<std::filesystem::path>& inputs,
    const std::function<Signature(const std::filesystem::path&)>& signature_of_input);

}  // namespace trestle::tool
