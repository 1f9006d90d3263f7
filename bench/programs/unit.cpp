// What the compilers compile: much of the standard library, and templates that make them work.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Chain {
  using Row = std::tuple<std::integral_constant<int, N>, std::vector<std::map<int, std::array<char, N + 1>>>>;
  static int sum(const Row& row) {
    int total = Chain<N - 1>::sum({});
    for (const auto& part : std::get<1>(row)) total += static_cast<int>(part.size());
    return total + N;
  }
};
template <>
struct Chain<0> {
  using Row = std::tuple<>;
  static int sum(const Row&) { return 0; }
};

using Value = std::variant<int, double, std::string, std::vector<int>, std::map<std::string, int>>;

std::string describe(const Value& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>) {
          return std::to_string(held);
        } else {
          return std::to_string(held.size());
        }
      },
      value);
}

int main() {
  std::unordered_map<std::string, std::function<Value(int)>> makers;
  makers["int"] = [](int i) { return Value(i); };
  makers["text"] = [](int i) { return Value(std::to_string(i)); };
  makers["list"] = [](int i) { return Value(std::vector<int>(static_cast<std::size_t>(i), i)); };
  std::vector<std::string> said;
  for (const auto& [name, make] : makers) said.push_back(name + describe(make(3)));
  std::sort(said.begin(), said.end());
  for (const std::string& word : said) std::puts(word.c_str());
  std::printf("%d\n", Chain<4>::sum({}));
}
