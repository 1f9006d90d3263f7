// What is made of a symbolizer's answer, by a script in its place, and by the real one where there is one.
#include "report/symbolizer.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "capture.hpp"
#include "os/program.hpp"
#include "report/report.hpp"
#include "script.hpp"

namespace trestle {
namespace {

[[gnu::noinline]] void somewhere() { asm volatile(""); }
const void* code() { return reinterpret_cast<const void*>(&somewhere); }

using Places = std::vector<std::pair<std::string, std::string>>;
Places places(const Symbolizer& symbolizer, std::size_t i) {
  Places all;
  for (const SourcePlace& place : symbolizer.places_of(i)) all.emplace_back(place.function, place.location);
  return all;
}

// Large: not for the stack of a test.
class SymbolizerTest : public testing::Test {
 protected:
  void resolve(const std::string& answer, std::vector<const void*> addresses) {
    const Script script("addr2line", "cat <<'END'\n" + answer + "END\n");
    symbolizer_->resolve(addresses, script.path());
  }
  std::unique_ptr<Symbolizer> symbolizer_ = std::make_unique<Symbolizer>();
};

TEST_F(SymbolizerTest, KnowsWhatWasInlinedWhere) {
  resolve("0x1\ninner(int)\n/src/a.hpp:7\nouter\n/src/a.cpp:12\n", {code()});
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{"inner(int)", "/src/a.hpp:7"}, {"outer", "/src/a.cpp:12"}}));
}

TEST_F(SymbolizerTest, KnowsEachAddressByItsTurn) {
  resolve("0x1\nf\n/a.c:1\n0x2\n??\n??:0\n0x3\ng\n/a.c:3 (discriminator 2)\n", {code(), code(), code()});
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{"f", "/a.c:1"}}));
  EXPECT_EQ(places(*symbolizer_, 1), Places{});
  EXPECT_EQ(places(*symbolizer_, 2), (Places{{"g", "/a.c:3"}}));
}

TEST_F(SymbolizerTest, KnowsOneWithoutTheOther) {
  resolve("0x1\nf\n??:0\n0x2\n??\n/a.c:2\n", {code(), code()});
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{"f", ""}}));
  EXPECT_EQ(places(*symbolizer_, 1), (Places{{"", "/a.c:2"}}));
}

TEST_F(SymbolizerTest, MakesNothingOfAnAnswerThatIsNone) {
  for (const std::string answer : {"", "\n", "f\n/a.c:1\n", "0x1\n", "0x1\n0x2\n", "usage: something\n"}) {
    resolve(answer, {code()});
    EXPECT_EQ(places(*symbolizer_, 0), Places{}) << answer;
  }
  const Script cut_off("addr2line", "printf '0x1\\nf'");
  symbolizer_->resolve(std::vector<const void*>{code()}, cut_off.path());
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{"f", ""}}));
}

TEST_F(SymbolizerTest, LeavesOutWhatItHasNoRoomFor) {
  std::string answer = "0x1\n";
  for (int i = 0; i < 600; ++i) answer += "f\n/a.c:1\n";
  resolve(answer + "0x2\ng\n/a.c:2\n0x3\nh\n/a.c:3\n", {code(), code()});
  EXPECT_EQ(places(*symbolizer_, 0).size(), 512U);
  EXPECT_EQ(places(*symbolizer_, 1), Places{});
  resolve("0x1\n" + std::string(200'000, 'f') + "\n/a.c:1\n", {code()});
  ASSERT_EQ(places(*symbolizer_, 0).size(), 1U);
  EXPECT_LT(places(*symbolizer_, 0)[0].first.size(), (128U << 10) + 1);
}

TEST_F(SymbolizerTest, ForgetsWhatItKnewBefore) {
  resolve("0x1\nf\n/a.c:1\n", {code()});
  symbolizer_->resolve(std::vector<const void*>{code()}, "/nonexistent");
  EXPECT_EQ(places(*symbolizer_, 0), Places{});
}

// The words that it is asked with, shown as the name of a function.
TEST_F(SymbolizerTest, AsksOnceForAllAddressesOfAnObject) {
  const Script script("addr2line", "echo 0x1; echo \"$@\"; echo /a.c:$#");
  const std::vector<const void*> addresses{code(), reinterpret_cast<const void*>(&getenv), code()};
  symbolizer_->resolve(addresses, script.path());
  std::array<char, 32> offset{};
  std::snprintf(offset.data(), offset.size(), " 0x%llx", static_cast<unsigned long long>(place_of_code(code()).offset));
  const std::string own = "-a -f -C -i -e " + std::string(own_path()) + offset.data() + offset.data();
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{own, "/a.c:8"}}));
  ASSERT_EQ(places(*symbolizer_, 1).size(), 1U);
  EXPECT_NE(places(*symbolizer_, 1)[0].first.find("-e /"), std::string::npos);
  EXPECT_EQ(places(*symbolizer_, 1)[0].second, "/a.c:7");
}

TEST_F(SymbolizerTest, TellsLlvmsToPrintAsTheOther) {
  const Script script("llvm-symbolizer-19", "echo 0x1; echo $1; echo /a.c:1");
  symbolizer_->resolve(std::vector<const void*>{code()}, script.path());
  EXPECT_EQ(places(*symbolizer_, 0), (Places{{"--output-style=GNU", "/a.c:1"}}));
}

TEST_F(SymbolizerTest, KnowsNothingOfAnAddressThatIsInNoObject) {
  int local = 0;
  resolve("0x1\nf\n/a.c:1\n", {&local});
  EXPECT_EQ(places(*symbolizer_, 0), Places{});
}

TEST_F(SymbolizerTest, FindsTheRealOneAndItOurFunctions) {
  std::array<char, PATH_MAX> path{};
  if (!find_symbolizer(path)) GTEST_SKIP() << "there is no symbolizer";
  symbolizer_->resolve(std::vector<const void*>{code()}, path.data());
  ASSERT_EQ(places(*symbolizer_, 0).size(), 1U);
  EXPECT_NE(places(*symbolizer_, 0)[0].first.find("somewhere"), std::string::npos);
}

// ---- in a report ----

bool report_of(FaultKind kind) {
  return print_report({.kind = kind}, UINT64_MAX, {"free", nullptr, "hardened", TRESTLE_CALL_SITE}, Severity::fatal) ==
         Printed::whole;
}
Captured report_with(const char* symbolizer) {
  return capture_stderr([&] {
    set_symbolizer(symbolizer);
    (void)report_of(FaultKind::double_free);
  });
}

TEST(SymbolizedReport, HasALineForEachFunctionOfAnAddress) {
  const Script script(
      "addr2line", "for word; do case $word in 0x*) printf '%s\\nin\\n/a.hpp:1\\nout\\n/a.c:2\\n' $word;; esac; done");
  const Captured captured = report_with(script.path());
  const std::size_t stack = captured.text.find("  called from:\n");
  ASSERT_NE(stack, std::string::npos) << captured.text;
  EXPECT_NE(captured.text.find(" in in /a.hpp:1 (", stack), std::string::npos) << captured.text;
  EXPECT_NE(captured.text.find("    #1 0x", stack), std::string::npos);
  EXPECT_NE(captured.text.find(" in out /a.c:2 (", stack), std::string::npos);
}

TEST(SymbolizedReport, SaysObjectAndOffsetWhereNobodyIsAsked) {
  const Captured captured = report_with("");
  EXPECT_EQ(captured.text.find(" in ", captured.text.find("  called from:\n")), std::string::npos) << captured.text;
  EXPECT_NE(captured.text.find(std::string(own_path()) + "+0x"), std::string::npos) << captured.text;
}

TEST(SymbolizedReport, CutsNamesThatAreTooLong) {
  const Script script("addr2line", "echo 0x1; head -c 5000 /dev/zero | tr '\\0' f; echo; echo /a.c:1");
  const Captured captured = report_with(script.path());
  EXPECT_NE(captured.text.find(" in " + std::string(300, 'f') + "... /a.c:1 ("), std::string::npos);
}

// Long enough that the kernel would mix them, were they written at the same time.
TEST(SymbolizedReport, OfSeveralThreadsComeOneAfterTheOther) {
  const Script script("addr2line",
                      "for word; do case $word in 0x*) echo $word; for i in 1 2 3 4 5 6 7 8 9 10; do echo " +
                          std::string(290, 'f') + "; echo /a.c:1; done;; esac; done");
  constexpr std::size_t kThreads = 4;
  const Captured captured = capture_stderr([&] {
    set_symbolizer(script.path());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([] { (void)report_of(FaultKind::double_free); });
    for (std::thread& thread : threads) thread.join();
  });
  std::set<std::string> who;
  std::size_t reports = 0;
  std::size_t frames = 0;  // of the last one
  std::istringstream text(captured.text);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("==")) {
      EXPECT_TRUE(reports == 0 || frames != 0) << "it begins inside of another";
      frames = 0;
      ++reports;
    }
    if (line.starts_with("  policy")) who.insert(line);
    if (line.starts_with("    #")) {
      const std::string number = std::to_string(frames++);
      EXPECT_TRUE(line.starts_with("    #" + number + " ")) << line.substr(0, 40);
    }
  }
  EXPECT_EQ(reports, kThreads);
  EXPECT_EQ(who.size(), kThreads);
}

// The first one that asks the script is kept waiting, and is not there in the child.
TEST(SymbolizedReport, InTheChildOfAForkWaitsForNoThreadOfTheParent) {
  const Script script("addr2line",
                      "cd ${0%/*}; if mkdir asked 2>/dev/null; then until rmdir go 2>/dev/null; do :; done; fi");
  const std::string folder(script.path(), std::strlen(script.path()) - std::strlen("addr2line"));
  const Captured captured = capture_stderr([&] {
    set_symbolizer(script.path());
    std::thread waiting([] { (void)report_of(FaultKind::double_free); });
    while (access((folder + "asked").c_str(), F_OK) != 0) sched_yield();
    const pid_t child = fork();
    if (child == 0) _exit(report_of(FaultKind::wild_pointer) ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    mkdir((folder + "go").c_str(), 0700);
    waiting.join();
    if (status != 0) _exit(1);
  });
  rmdir((folder + "asked").c_str());
  EXPECT_EQ(captured.status, 0);
  EXPECT_NE(captured.text.find("double free"), std::string::npos) << captured.text;
  EXPECT_NE(captured.text.find("wild pointer"), std::string::npos) << captured.text;
}

TEST(SymbolizedReport, HasSaidWhatItIsBeforeAnybodyIsAsked) {
  const Script script("addr2line", "read -r _ _ _ asking _ </proc/$PPID/stat; kill -KILL $asking");
  const Captured captured = report_with(script.path());
  EXPECT_TRUE(WIFSIGNALED(captured.status));
  EXPECT_NE(captured.text.find("double free"), std::string::npos);
  const std::string last = "  likely     two owners free the same block, or an object is destroyed twice\n";
  EXPECT_EQ(captured.text.rfind(last), captured.text.size() - last.size()) << captured.text;
}

// What the symbolizer sends to who asks it, which is the parent of its parent; and what a handler there says to that.
Captured interrupted(const char* name, int number) {
  const Script script("addr2line", std::string("read -r _ _ _ asking _ </proc/$PPID/stat; kill -") + name +
                                       " $asking; echo 0x1; echo interrupting; echo /a.c:1");
  return capture_stderr([&] {
    set_symbolizer(script.path());
    struct sigaction inside{};
    inside.sa_handler = [](int given) {
      signal(given, SIG_IGN);  // whoever is asked for that report sends it again
      (void)report_of(FaultKind::wild_pointer);
    };
    sigaction(number, &inside, nullptr);
    if (!report_of(FaultKind::double_free)) _exit(2);
  });
}

TEST(SymbolizedReport, IsNotInterruptedByAnother) {
  const Captured captured = interrupted("USR1", SIGUSR1);
  EXPECT_EQ(captured.status, 0);
  const std::size_t first = captured.text.find("double free");
  const std::size_t rest = captured.text.find("interrupting /a.c:1", first);
  ASSERT_NE(rest, std::string::npos) << captured.text;
  EXPECT_EQ(captured.text.substr(0, rest).find("wild pointer"), std::string::npos);
  EXPECT_NE(captured.text.find("ERROR: trestle: wild pointer", rest), std::string::npos)
      << "it comes when the other is done";
}

TEST(SymbolizedReport, ThatAFaultInterruptsHasALineForThat) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "it does not survive a signal of a fault that another process sends";
  const Captured captured = interrupted("FPE", SIGFPE);
  EXPECT_EQ(captured.status, 0);
  EXPECT_NE(captured.text.find("trestle: a fault while another is reported: wild pointer in free\n"), std::string::npos)
      << captured.text;
  EXPECT_NE(captured.text.find("interrupting /a.c:1"), std::string::npos) << captured.text;
  EXPECT_EQ(captured.text.find("ERROR: trestle: wild pointer"), std::string::npos);
}

// What an object's names are is nothing for the terminal, nor can they go on as a line of the report's own.
TEST(SymbolizedReport, ShowsNoControlCharacters) {
  const Script script("addr2line", R"(printf '0x1\nf\033[31m\177\n/a\rb.c:1\n')");
  const Captured captured = report_with(script.path());
  EXPECT_NE(captured.text.find(" in f?[31m? /a?b.c:1 "), std::string::npos) << captured.text;
}

// As many frames as there is room for, each as long as it may be.
TEST(SymbolizedReport, EndsWellWhereThereIsNoRoomForAllOfIt) {
  std::string answer = "0x1\n";
  for (int i = 0; i < 500; ++i) answer.append(150, '"').append("\n/").append(90, '\\').append(":1\n");
  const Script script("addr2line", "cat <<'END'\n" + answer + "END\n");
  const std::string path = std::string(script.path()) + ".json";
  const Captured captured = capture_stderr([&] {
    set_symbolizer(script.path());
    set_json_reports(path.c_str());
    (void)report_of(FaultKind::double_free);
  });
  EXPECT_EQ(captured.text.substr(captured.text.size() - 8), "    ...\n");
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_FALSE(file.eof()) << "it ends";
  EXPECT_EQ(nlohmann::json::parse(line)["truncated"], true);
  unlink(path.c_str());
}

}  // namespace
}  // namespace trestle
