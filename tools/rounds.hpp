// The rounds of `trestle props`: which tests, with which seeds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trestle::tool {

// The seed of the n-th round, counted from 0: the first round's is the one that was asked for, so that it repeats a failure.
[[nodiscard]] constexpr std::uint64_t seed_of_round(std::uint64_t first, std::uint64_t round) { return first + round; }

// RC_PARAMS of a round: what the caller has set stays, but for the seed.
[[nodiscard]] std::string parameters_with_seed(const std::string& parameters, std::uint64_t seed);

// The command that runs a round with this seed again, with the caller's RC_PARAMS and -R as a shell takes them.
[[nodiscard]] std::string repeat_command(const std::string& parameters, std::uint64_t seed, const std::string& pattern);

// "Suite.Test" for each test that GoogleTest's --gtest_list_tests tells.
[[nodiscard]] std::vector<std::string> parse_test_list(const std::string& told);

// Whether `name` holds a match of `pattern`. Throws Failure when it is no regular expression.
[[nodiscard]] bool has_match(const std::string& name, const std::string& pattern);

// Those whose names hold a match of `pattern`. Throws Failure when it is no regular expression, or when none does.
[[nodiscard]] std::vector<std::string> matching(const std::vector<std::string>& names, const std::string& pattern);

// --gtest_filter for exactly these.
[[nodiscard]] std::string filter_for(const std::vector<std::string>& names);

// The word as a shell takes it.
[[nodiscard]] std::string quoted(const std::string& word);

}  // namespace trestle::tool
