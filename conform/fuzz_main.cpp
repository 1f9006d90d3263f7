// Chooses op programs for a library, led by the edges that each reaches in it where the library is instrumented:
//   conform_fuzz OPS LIBRARY LIMIT SECONDS RUNS SEED CORPUS INPUT RESULT
// OPS is the program conform_ops, which runs with the library in place of malloc and tries them; here it is not, so that
// whatever it does wrong, this goes on. LIMIT seconds a program; SECONDS or RUNS programs in all, 0: without that end. A
// program that fails ends it, with status 1 and its bytes in INPUT. RESULT tells what was done, a line each: what, tab, how
// much.
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "channel.hpp"
#include "ops/generate.hpp"
#include "target.hpp"

// libFuzzer's, linked without its main.
extern "C" int LLVMFuzzerRunDriver(int* count, char*** words, int (*run)(const std::uint8_t* data, std::size_t size));

namespace trestle::conform {
namespace {

// libFuzzer takes what is in this section for counters of its own.
__attribute__((section("__libfuzzer_extra_counters"), used)) std::uint8_t guide[kMostEdges];

struct Order {
  std::string program;
  std::string library;
  unsigned limit;
  unsigned long seconds;
  unsigned long runs;
  std::string seed;
  std::string corpus;
  std::string input;
  std::string result;
};

// The process on the library, and what it was asked for. One for all: libFuzzer's callback has no argument.
struct Session {
  Order order;
  Channel* channel = nullptr;
  pid_t server = 0;
  int turns = -1;
  int progress = STDERR_FILENO;
  unsigned long tried = 0;
  std::size_t reached_count = 0;
  bool reached[kMostEdges] = {};
  std::string failure;
};
Session session;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// Waits for the server's byte. False: it is gone.
bool wait_for_turn() {
  char turn = 0;
  ssize_t got = 0;
  do got = read(session.turns, &turn, 1);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

std::vector<char*> environment_with(std::vector<std::string>& own) {
  std::vector<char*> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const auto is_same = [&](const std::string& one) {
      return one.compare(0, one.find('=') + 1, *at, one.find('=') + 1) == 0;
    };
    if (std::none_of(own.begin(), own.end(), is_same)) all.push_back(*at);
  }
  for (std::string& one : own) all.push_back(one.data());
  all.push_back(nullptr);
  return all;
}

void start_server() {
  const int memory = memfd_create("conform", 0);
  int ends[2];
  if (memory < 0 || ftruncate(memory, sizeof(Channel)) != 0) fail("memfd_create");
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) fail("socketpair");
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  void* const place = mmap(nullptr, sizeof(Channel), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (place == MAP_FAILED) fail("mmap");
  session.channel = new (place) Channel;
  session.turns = ends[0];
  std::vector<std::string> own{"LD_PRELOAD=" + session.order.library, "TRESTLE_OPTIONS=", "LC_ALL=C"};
  std::vector<char*> environment = environment_with(own);
  std::vector<std::string> words{session.order.program, "--serve", std::to_string(memory), std::to_string(ends[1]),
                                 std::to_string(session.order.limit)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (posix_spawn(&session.server, arguments[0], nullptr, nullptr, arguments.data(), environment.data()) != 0)
    fail(session.order.program);
  close(ends[1]);
  close(memory);
  if (!wait_for_turn()) throw std::runtime_error(session.order.library + " lets no program run");
}

std::size_t guiding_edges() { return std::min(session.channel->edges, kMostEdges); }

void tell_progress() {
  char edges[80] = "";
  if (session.channel->edges != 0)
    std::snprintf(edges, sizeof edges, ", %zu of %zu edges", session.reached_count, session.channel->edges);
  dprintf(session.progress, "trestle: %lu programs%s\n", session.tried, edges);
}

void write_result() {
  std::ofstream out(session.order.result);
  out << "programs\t" << session.tried << "\nreached\t" << session.reached_count << "\nedges\t"
      << session.channel->edges << '\n';
  if (!session.failure.empty()) out << "failure\t" << session.failure << '\n';
}

[[noreturn]] void end_with_failure(const std::uint8_t* data, std::size_t size) {
  std::ofstream out(session.order.input, std::ios::binary);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  out.close();
  write_result();
  std::_Exit(EXIT_FAILURE);
}

std::string ending_of_server() {
  int status = 0;
  waitpid(session.server, &status, 0);
  return std::string("the process that starts the programs ended by ") +
         (WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "itself");
}

void count_reached() {
  for (std::size_t i = 0; i < guiding_edges(); ++i) {
    if (guide[i] == 0 || session.reached[i]) continue;
    session.reached[i] = true;
    ++session.reached_count;
  }
}

int try_input(const std::uint8_t* data, std::size_t size) {
  Channel& channel = *session.channel;
  channel.input_bytes = std::min(size, kMostInput);
  std::copy(data, data + channel.input_bytes, channel.input);
  const char turn = 0;
  const bool is_there = send(session.turns, &turn, 1, MSG_NOSIGNAL) == 1 && wait_for_turn();
  ++session.tried;
  if (!is_there) {
    session.failure = ending_of_server();
  } else if (channel.how[0] != '\0') {
    session.failure = std::string(channel.how) + (channel.detail[0] == '\0' ? "" : ": ") + channel.detail;
  }
  if (!session.failure.empty()) end_with_failure(data, size);
  std::copy(channel.taken, channel.taken + guiding_edges(), guide);
  count_reached();
  if (std::has_single_bit(session.tried) && session.tried >= 1024) tell_progress();
  return 0;
}

// What libFuzzer says of itself is of use where it fails, and only there.
void keep_words_of_libfuzzer() {
  session.progress = dup(STDERR_FILENO);
  const std::string path = session.order.result + ".log";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (session.progress < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0) fail(path);
  close(file);
}

// libFuzzer ends the process.
int run_guided() {
  keep_words_of_libfuzzer();
  const Order& order = session.order;
  std::vector<std::string> words{"conform_fuzz", "-seed=" + order.seed, "-len_control=0", "-max_len=1024",
                                 "-verbosity=0", "-timeout=0",          "-rss_limit_mb=0"};
  if (order.runs != 0) words.push_back("-runs=" + std::to_string(order.runs));
  if (order.seconds != 0) words.push_back("-max_total_time=" + std::to_string(order.seconds));
  words.push_back(order.corpus);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(words.size());
  char** all = arguments.data();
  return LLVMFuzzerRunDriver(&count, &all, try_input);
}

// One random program after the other.
int run_unguided() {
  constexpr std::size_t kOps = 63;
  const Order& order = session.order;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(order.seconds);
  ops::Random random(std::strtoull(order.seed.c_str(), nullptr, 10));
  while ((order.runs == 0 || session.tried < order.runs) &&
         (order.seconds == 0 || std::chrono::steady_clock::now() < end)) {
    const auto bytes = ops::encode(ops::kForeignVocabulary, ops::generate(ops::kForeignVocabulary, random, kOps));
    if (bytes) try_input(bytes->data(), bytes->size());
  }
  return EXIT_SUCCESS;
}

int run(int count, char** words) {
  if (count != 10) {
    std::fputs("usage: conform_fuzz OPS LIBRARY LIMIT SECONDS RUNS SEED CORPUS INPUT RESULT\n", stderr);
    return 2;
  }
  const auto number = [&](int at) { return std::strtoul(words[at], nullptr, 10); };
  session.order = {words[1], words[2], static_cast<unsigned>(number(3)), number(4), number(5), words[6], words[7],
                   words[8], words[9]};
  start_server();
  std::atexit(write_result);
  if (session.channel->edges != 0) return run_guided();
  std::fprintf(stderr,
               "trestle: %s is not instrumented, so that nothing guides the programs; compile it by clang with "
               "-fsanitize-coverage=inline-8bit-counters,pc-table\n",
               words[2]);
  return run_unguided();
}

// A process costs more than a call, so that programs may be long: half of the mutants go on where another program ended, with
// many calls more.
std::size_t extend(std::span<std::uint8_t> bytes, std::size_t size, ops::Random& random) {
  constexpr std::size_t kMost = 32;
  size = std::max(size / ops::kRecordBytes, std::size_t{1}) * ops::kRecordBytes;
  const ops::Program tail = ops::generate(ops::kForeignVocabulary, random, 1 + random.below(kMost));
  for (const ops::Op& op : tail.ops) {
    const std::optional<ops::Record> record = ops::encode(ops::kForeignVocabulary, op);
    if (!record || size + record->size() > bytes.size()) continue;
    std::copy(record->begin(), record->end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += record->size();
  }
  return size;
}

}  // namespace
}  // namespace trestle::conform

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  trestle::ops::Random random(seed);
  const bool is_long = random.below(2) != 0 && size >= trestle::ops::kRecordBytes;
  if (is_long) return trestle::conform::extend({data, max_size}, size, random);
  return trestle::ops::mutate({data, max_size}, size, random);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* left, std::size_t left_size,
                                                 const std::uint8_t* right, std::size_t right_size, std::uint8_t* out,
                                                 std::size_t max_size, unsigned seed) {
  trestle::ops::Random random(seed);
  return trestle::ops::cross({left, left_size}, {right, right_size}, {out, max_size}, random);
}

int main(int count, char** words) {
  try {
    return trestle::conform::run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conform_fuzz: %s\n", error.what());
    return 125;
  }
}
