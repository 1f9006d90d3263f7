// A report as JSON, read by another's parser.
#include "report/json.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "capture.hpp"
#include "script.hpp"

namespace trestle {
namespace {

using nlohmann::json;

std::string hex(const void* at) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%llx",
                static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(at)));
  return text.data();
}

struct ReportJson : testing::Test {
  std::string line(const Reported& report) {
    text_->clear();
    add_json(*text_, report);
    return std::string(text_->view());
  }
  std::unique_ptr<ReportText> text_ = std::make_unique<ReportText>();
  ToldStack none_{.stack = {}, .first = 0, .thread = 77};
  Call call_{"free", nullptr, "hardened", {}};
};

TEST_F(ReportJson, SaysAllThatIsKnown) {
  std::array<char, 64> block{};
  call_.argument = block.data();
  const Fault fault{.kind = FaultKind::write_past_end,
                    .address = block.data() + 24,
                    .block = block.data(),
                    .requested = 24,
                    .served = 32,
                    .expected = 0x5A,
                    .found = UINT64_MAX};
  const json expected{{"severity", "error"},
                      {"kind", "write past end"},
                      {"meaning", "bytes after the end of the request were overwritten"},
                      {"invariant", 5},
                      {"call", "free"},
                      {"argument", hex(block.data())},
                      {"address", hex(block.data() + 24)},
                      {"heap_offset", "0x1234"},
                      {"block", hex(block.data())},
                      {"requested", 24},
                      {"served", 32},
                      {"expected", "0x5a"},
                      {"found", "0xffffffffffffffff"},
                      {"policy", "hardened"},
                      {"pid", getpid()},
                      {"thread", 77},
                      {"program", std::string(own_path())},
                      {"likely", "this"},
                      {"stack", json::array()}};
  const std::string text = line({fault, 0x1234, call_, Severity::fatal, "this", none_, none_, none_, nullptr});
  EXPECT_EQ(json::parse(text), expected);
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line";
}

TEST_F(ReportJson, SaysWhatLeaked) {
  Reported report{{.kind = FaultKind::leak}, UINT64_MAX, call_, Severity::warning, "", none_, none_, none_, nullptr};
  report.leaked = {2, 30, 3, 400};
  const json leaked{{"blocks", 2}, {"bytes", 30}, {"indirect_blocks", 3}, {"indirect_bytes", 400}};
  EXPECT_EQ(json::parse(line(report))["leaked"], leaked);
  report.leaked = {};
  EXPECT_FALSE(json::parse(line(report)).contains("leaked"));
}

TEST_F(ReportJson, LeavesOutWhatIsNotKnown) {
  const json said = json::parse(line(
      {{.kind = FaultKind::wild_pointer}, UINT64_MAX, call_, Severity::warning, "", none_, none_, none_, nullptr}));
  EXPECT_EQ(said["severity"], "warning");
  for (const char* const key :
       {"invariant", "argument", "heap_offset", "block", "requested", "served", "expected", "found"})
    EXPECT_FALSE(said.contains(key)) << key;
  // A slot whose canary is gone tells no request; a block of no bytes does.
  int block = 0;
  Fault fault{.kind = FaultKind::write_past_end, .address = &block, .block = &block, .requested = 0, .served = 32};
  EXPECT_FALSE(
      json::parse(line({fault, 0, call_, Severity::fatal, "", none_, none_, none_, nullptr})).contains("requested"));
  fault.served = 0;
  EXPECT_EQ(json::parse(line({fault, 0, call_, Severity::fatal, "", none_, none_, none_, nullptr}))["requested"], 0);
}

TEST_F(ReportJson, KeepsStringsWhateverIsInThem) {
  const std::string odd = "a \"b\" \\c\t\x01\x7F\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x89/";
  call_.function = odd.c_str();
  const json said = json::parse(line({{}, 0, call_, Severity::fatal, "", none_, none_, none_, nullptr}));
  EXPECT_EQ(said["call"], odd);
}

TEST_F(ReportJson, TellsAByteThatIsNoUtf8AsAPrivateCharacterAndNothingElse) {
  call_.function = "/\xE9t\xE9/\xC3";
  const json said = json::parse(line({{}, 0, call_, Severity::fatal, "", none_, none_, none_, nullptr}));
  EXPECT_EQ(said["call"], "/\uEFE9t\uEFE9/\uEFC3");
  call_.function = "\uEFE9 \uEF7F \uF000";
  const json other = json::parse(line({{}, 0, call_, Severity::fatal, "", none_, none_, none_, nullptr}));
  EXPECT_EQ(other["call"], "\uEFEE\uEFBF\uEFA9 \uEF7F \uF000");
}

TEST_F(ReportJson, HasAFrameForEachFunction) {
  const Script script("addr2line", "echo 0x1; echo 'f(\"x\")'; echo /a.hpp:1; echo g; echo ??:0");
  auto symbolizer = std::make_unique<Symbolizer>();
  int local = 0;
  const ToldStack told{
      .stack = {.frames = {reinterpret_cast<const void*>(&getpid), &local}, .depth = 2}, .first = 0, .thread = 1};
  const Stack& stack = told.stack;
  const Fault fault{.kind = FaultKind::double_free};
  const Reported report{fault, 0, call_, Severity::fatal, "", told, none_, none_, symbolizer.get()};
  symbolizer->resolve(stack.addresses(), script.path());
  const json frames = json::parse(line(report))["stack"];
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0]["function"], "f(\"x\")");
  EXPECT_EQ(frames[0]["location"], "/a.hpp:1");
  EXPECT_EQ(frames[0]["address"], hex(stack.frames[0]));
  EXPECT_NE(frames[0]["object"].get<std::string>().find('/'), std::string::npos);
  EXPECT_EQ(frames[1]["function"], "g");
  EXPECT_EQ(frames[1]["address"], frames[0]["address"]);
  EXPECT_FALSE(frames[1].contains("location"));
  EXPECT_EQ(frames[2], (json{{"address", hex(&local)}})) << "in no object";
}

// Each stack has what was told of its own addresses, which follow those of the stacks before.
TEST_F(ReportJson, HasTheStacksOfTheOtherCalls) {
  const Script script("addr2line",
                      "echo 0x1; echo f; echo /a.c:1; echo 0x2; echo g; echo /a.c:2; echo 0x3; echo h; echo /a.c:3");
  auto symbolizer = std::make_unique<Symbolizer>();
  const auto* const code = reinterpret_cast<const std::byte*>(&getpid);
  const std::array<const void*, 3> addresses{code, code + 1, code + 2};
  symbolizer->resolve(addresses, script.path());
  const auto told = [&](std::size_t i) {
    return ToldStack{.stack = {.frames = {addresses[i]}, .depth = 1}, .first = i, .thread = static_cast<int>(10 + i)};
  };
  const ToldStack called = told(0);
  const ToldStack allocated = told(1);
  const ToldStack freed = told(2);
  const json said = json::parse(line({{}, 0, call_, Severity::fatal, "", called, allocated, freed, symbolizer.get()}));
  EXPECT_EQ(said["thread"], 10);
  EXPECT_EQ(said["stack"][0]["function"], "f");
  EXPECT_EQ(said["allocated"]["thread"], 11);
  EXPECT_EQ(said["allocated"]["stack"].size(), 1U);
  EXPECT_EQ(said["allocated"]["stack"][0]["function"], "g");
  EXPECT_EQ(said["freed"]["thread"], 12);
  EXPECT_EQ(said["freed"]["stack"][0]["location"], "/a.c:3");
  const json live = json::parse(line({{}, 0, call_, Severity::fatal, "", called, allocated, none_, nullptr}));
  EXPECT_TRUE(live.contains("allocated"));
  EXPECT_FALSE(live.contains("freed"));
}

TEST(JsonReports, AreAppendedToTheFile) {
  const Script folder("unused", "");
  const std::string path = std::string(folder.path()) + ".json";
  const auto report = [] {
    return print_report({.kind = FaultKind::double_free}, UINT64_MAX, {"free", nullptr, "fast", TRESTLE_CALL_SITE},
                        Severity::fatal) == Printed::whole;
  };
  const Captured captured = capture_stderr([&] {
    set_symbolizer("");
    set_json_reports(path.c_str());
    for (int i = 0; i < 2; ++i)
      if (!report()) _exit(1);
    set_json_reports("/nonexistent/reports");
    if (!report()) _exit(1);
  });
  EXPECT_EQ(captured.status, 0);
  EXPECT_NE(captured.text.find("trestle: cannot append the report to /nonexistent/reports: the system refuses it\n"),
            std::string::npos);
  std::ifstream file(path);
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line); ++lines) EXPECT_EQ(json::parse(line)["kind"], "double free");
  EXPECT_EQ(lines, 2U);
  unlink(path.c_str());
}

}  // namespace
}  // namespace trestle
