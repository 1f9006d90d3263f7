// A compiler that allocates each node of its tree by itself: a source text of many functions is made, cut into tokens, parsed,
// folded, and turned into the code of a stack machine, which is run. The folded program must compute what the unfolded does.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../support/workload.hpp"

namespace {

struct Token {
  char kind;  // 'n' number, 'v' name, or the sign itself
  std::string text;
};

struct Node {
  char kind;
  std::int64_t value = 0;
  std::string name;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};
using Tree = std::unique_ptr<Node>;

void write_expression(std::string& text, bench::Random& random, int depth) {
  if (depth == 0 || random.below(6) == 0) {
    text += random.below(2) == 0 ? std::to_string(random.below(1000))
                                 : std::string("variable_") + char('a' + random.below(8));
    return;
  }
  text += '(';
  write_expression(text, random, depth - 1);
  text += std::string(" ") + "+-*"[random.below(3)] + " ";
  write_expression(text, random, depth - 1);
  text += ')';
}

bool is_name(char letter) { return (letter >= 'a' && letter <= 'z') || letter == '_'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::vector<Token> tokens_of(const std::string& text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_digit(text[at])) {
      while (at < text.size() && is_digit(text[at])) ++at;
      tokens.push_back({'n', text.substr(start, at - start)});
    } else if (is_name(text[at])) {
      while (at < text.size() && is_name(text[at])) ++at;
      tokens.push_back({'v', text.substr(start, at - start)});
    } else if (text[at++] != ' ') {
      tokens.push_back({text[start], ""});
    }
  }
  return tokens;
}

Tree parse(const std::vector<Token>& tokens, std::size_t& at) {
  const Token& token = tokens[at++];
  auto node = std::make_unique<Node>();
  node->kind = token.kind;
  if (token.kind == 'n') {
    node->value = std::stoll(token.text);
  } else if (token.kind == 'v') {
    node->name = token.text;
  } else {
    node->left = parse(tokens, at);
    node->kind = tokens[at++].kind;
    node->right = parse(tokens, at);
    ++at;  // the closing parenthesis
  }
  return node;
}

std::int64_t combine(char operation, std::int64_t a, std::int64_t b) {
  const std::int64_t result = operation == '+' ? a + b : operation == '-' ? a - b : a * b;
  return result % 1'000'000'007;
}

// A new tree in which what is known is computed.
Tree folded(const Node& node) {
  auto copy = std::make_unique<Node>();
  copy->kind = node.kind;
  copy->value = node.value;
  copy->name = node.name;
  if (node.left == nullptr) return copy;
  copy->left = folded(*node.left);
  copy->right = folded(*node.right);
  if (copy->left->kind != 'n' || copy->right->kind != 'n') return copy;
  copy->value = combine(copy->kind, copy->left->value, copy->right->value);
  copy->kind = 'n';
  copy->left.reset();
  copy->right.reset();
  return copy;
}

struct Instruction {
  char kind;
  std::int64_t value;
  std::string name;
};

void emit(const Node& node, std::vector<Instruction>& code) {
  if (node.left != nullptr) {
    emit(*node.left, code);
    emit(*node.right, code);
  }
  code.push_back({node.kind, node.value, node.name});
}

using Variables = std::map<std::string, std::int64_t>;

std::int64_t run(const std::vector<Instruction>& code, const Variables& variables) {
  std::vector<std::int64_t> stack;
  for (const Instruction& one : code) {
    if (one.kind == 'n') {
      stack.push_back(one.value);
    } else if (one.kind == 'v') {
      stack.push_back(variables.at(one.name));
    } else {
      const std::int64_t right = stack.back();
      stack.pop_back();
      stack.back() = combine(one.kind, stack.back(), right);
    }
  }
  return stack.back();
}

std::int64_t value_of(const Node& node, const Variables& variables) {
  std::vector<Instruction> code;
  emit(node, code);
  return run(code, variables);
}

}  // namespace

int main() {
  bench::Random random(9);
  Variables variables;
  for (int i = 0; i < 8; ++i) variables[std::string("variable_") + char('a' + i)] = i * 7919 + 3;
  const std::uint64_t units = bench::work(24);
  std::uint64_t sum = 0;
  for (std::uint64_t unit = 0; unit < units; ++unit) {
    std::vector<Tree> functions;  // a unit's trees live together
    for (int i = 0; i < 150; ++i) {
      std::string text;
      write_expression(text, random, 10);
      const std::vector<Token> tokens = tokens_of(text);
      std::size_t at = 0;
      functions.push_back(parse(tokens, at));
    }
    for (Tree& function : functions) {
      const std::int64_t plain = value_of(*function, variables);
      function = folded(*function);
      bench::require(value_of(*function, variables) == plain, "folding changed a value");
      sum = sum * 31 + static_cast<std::uint64_t>(plain);
    }
  }
  bench::answer("sum", sum);
}
