#include "reports.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

using nlohmann::json;

json report() {
  return {{"severity", "error"},
          {"kind", "write past end"},
          {"meaning", "bytes were overwritten"},
          {"invariant", 5},
          {"call", "free"},
          {"argument", "0x10"},
          {"address", "0x28"},
          {"heap_offset", "0x8"},
          {"block", "0x10"},
          {"requested", 24},
          {"served", 32},
          {"expected", "0x5a"},
          {"found", "0x0"},
          {"policy", "hardened"},
          {"pid", 7},
          {"thread", 8},
          {"program", "/bin/p"},
          {"likely", "an index"},
          {"stack",
           {{{"address", "0x1"},
             {"function", "f"},
             {"location", "../csu/x.c:?"},
             {"object", "/lib/x.so"},
             {"offset", "0x1"}},
            {{"address", "0x2"},
             {"function", "g(int)"},
             {"location", "/a b/c++.c:12"},
             {"object", "/bin/p"},
             {"offset", "0x2"}},
            {{"address", "0x3"}}}}};
}
json with_history() {
  json one = report();
  one["allocated"] = {{"thread", 21}, {"stack", {{{"address", "0x5"}, {"function", "make"}, {"location", "/m.c:5"}}}}};
  one["freed"] = {{"thread", 22}, {"stack", {{{"address", "0x6"}}}}};
  return one;
}
json least() {
  json one = report();
  for (const char* const key :
       {"invariant", "argument", "heap_offset", "block", "requested", "served", "expected", "found"})
    one.erase(key);
  one["stack"] = json::array();
  return one;
}

std::vector<json> read(const std::string& lines) {
  std::istringstream stream(lines);
  return read_reports(stream, "F");
}
std::string failure_of(const std::string& lines) {
  try {
    (void)read(lines);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, 1);
    return failure.what();
  }
  return "none";
}

TEST(Reports, AreReadLineByLine) {
  EXPECT_EQ(read(""), std::vector<json>{});
  EXPECT_EQ(read(report().dump() + "\n" + least().dump() + "\n"), (std::vector<json>{report(), least()}));
  EXPECT_EQ(read(report().dump()), std::vector<json>{report()}) << "the last line's end may be missing";
}

TEST(Reports, ThatAreNoneAreNamed) {
  EXPECT_EQ(failure_of(report().dump() + "\n{\"kind\":\"x\"\n"), "F:2: no report: {\"kind\":\"x\"");
  EXPECT_EQ(failure_of("\n"), "F:1: no report: ");
  EXPECT_EQ(failure_of("[]"), "F:1: no report: []");
  EXPECT_EQ(failure_of(report().dump().substr(0, 200)), "F:1: no report: " + report().dump().substr(0, 60))
      << "cut off";
}

TEST(Reports, WhoseFieldsAreMissingOrOfAnotherTypeAreNone) {
  const json needed = least();
  for (const auto& [key, value] : needed.items()) {
    json without = report();
    without.erase(key);
    EXPECT_NE(failure_of(without.dump()), "none") << key;
  }
  const json all = report();
  for (const auto& [key, value] : all.items()) {
    json other = report();
    other[key] = true;
    EXPECT_NE(failure_of(other.dump()), "none") << key;
  }
  for (const char* const frame : {"1", "{}", R"({"address":1})", R"({"address":"0x1","function":5})"}) {
    json other = report();
    other["stack"] = json::array({json::parse(frame)});
    EXPECT_NE(failure_of(other.dump()), "none") << frame;
  }
}

TEST(Reports, AreToldAsTheyWerePrinted) {
  EXPECT_EQ(text_of(report()),
            "==7==ERROR: trestle: write past end in free(0x10)\n"
            "  meaning    bytes were overwritten (invariant I5)\n"
            "  address    0x28, heap offset 0x8\n"
            "  block      0x10, 24 bytes requested, 32 served\n"
            "  expected   0x5a, found 0x0\n"
            "  policy     hardened, thread 8, program /bin/p\n"
            "  likely     an index\n"
            "  called from:\n"
            "    #0 0x1 in f ../csu/x.c:? (/lib/x.so+0x1)\n"
            "    #1 0x2 in g(int) /a b/c++.c:12 (/bin/p+0x2)\n"
            "    #2 0x3\n");
  json warning = least();
  warning["severity"] = "warning";
  EXPECT_EQ(text_of(warning),
            "==7==WARNING: trestle: write past end in free\n"
            "  meaning    bytes were overwritten\n"
            "  address    0x28\n"
            "  policy     hardened, thread 8, program /bin/p\n"
            "  likely     an index\n");
}

json leak() {
  json one = with_history();
  one.erase("freed");
  for (const char* const key : {"invariant", "argument", "expected", "found"}) one.erase(key);
  one["stack"] = json::array();
  one["kind"] = "leak";
  one["leaked"] = {{"blocks", 2}, {"bytes", 48}, {"indirect_blocks", 1}, {"indirect_bytes", 1}};
  return one;
}

TEST(Reports, TellHowMuchLeaked) {
  EXPECT_NE(text_of(leak()).find("\n  leaked     2 blocks, 48 bytes; and what only they lead to: 1 block, 1 byte\n"),
            std::string::npos)
      << text_of(leak());
  json alone = leak();
  alone["leaked"]["indirect_blocks"] = 0;
  EXPECT_NE(text_of(alone).find("\n  leaked     2 blocks, 48 bytes\n"), std::string::npos) << text_of(alone);
  EXPECT_EQ(text_of(report()).find("leaked"), std::string::npos);
}

TEST(Reports, WhoseLeakIsOfAnotherShapeAreNone) {
  EXPECT_EQ(failure_of(leak().dump()), "none");
  json number = leak();
  number["leaked"] = 1;
  EXPECT_NE(failure_of(number.dump()), "none");
  for (const char* const key : {"blocks", "bytes", "indirect_blocks", "indirect_bytes"}) {
    json other = leak();
    other["leaked"][key] = -1;
    EXPECT_NE(failure_of(other.dump()), "none") << key;
    other["leaked"].erase(key);
    EXPECT_NE(failure_of(other.dump()), "none") << key;
  }
}

TEST(Sarif, PutsALeakWhereTheBlockWasAllocated) {
  const auto result = sarif_of({leak()})["runs"][0]["results"][0];
  EXPECT_EQ(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "file:///m.c") << result;
  EXPECT_NE(result["message"]["text"].get<std::string>().find("; leaked: 2 blocks, 48 bytes;"), std::string::npos);
}

TEST(Reports, TellTheOtherCalls) {
  const std::string text = text_of(with_history());
  const std::string rest =
      "    #2 0x3\n  allocated by thread 21:\n    #0 0x5 in make /m.c:5\n  freed by thread 22:\n    #0 0x6\n";
  EXPECT_EQ(text.substr(text.find("    #2")), rest);
}

TEST(Reports, WhoseOtherCallsAreOfAnotherShapeAreNone) {
  for (const char* const key : {"allocated", "freed"})
    for (const char* const call : {"1", "[]", "{}", R"({"thread":1})", R"({"stack":[]})",
                                   R"({"thread":"1","stack":[]})", R"({"thread":1,"stack":[{"address":1}]})"}) {
      json other = report();
      other[key] = json::parse(call);
      EXPECT_NE(failure_of(other.dump()), "none") << key << call;
    }
}

TEST(Sarif, HasARuleForEachKindAndAResultForEachReport) {
  json other = least();
  other["kind"] = "double free";
  other["severity"] = "warning";
  const json sarif = sarif_of({report(), other, report()});
  EXPECT_EQ(sarif["version"], "2.1.0");
  ASSERT_EQ(sarif["runs"].size(), 1U);
  const json& run = sarif["runs"][0];
  const json& rules = run["tool"]["driver"]["rules"];
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0], (json{{"id", "write-past-end"}, {"shortDescription", {{"text", "bytes were overwritten"}}}}));
  EXPECT_EQ(rules[1]["id"], "double-free");
  ASSERT_EQ(run["results"].size(), 3U);
  EXPECT_EQ(run["results"][0], run["results"][2]);
  EXPECT_EQ(run["results"][0]["ruleIndex"], 0);
  EXPECT_EQ(run["results"][0]["level"], "error");
  EXPECT_EQ(run["results"][0]["message"]["text"],
            "write past end in free(0x10): bytes were overwritten; the block has 24 bytes. Likely: an index.");
  EXPECT_EQ(run["results"][1]["ruleIndex"], 1);
  EXPECT_EQ(run["results"][1]["level"], "warning");
}

TEST(Sarif, IsAtTheInnermostFrameThatHasALine) {
  const json result = sarif_of({report()}).at("runs")[0].at("results")[0];
  ASSERT_EQ(result["locations"].size(), 1U);
  const json& place = result["locations"][0];
  EXPECT_EQ(place["physicalLocation"]["artifactLocation"]["uri"], "file:///a%20b/c++.c");
  EXPECT_EQ(place["physicalLocation"]["region"]["startLine"], 12);
  EXPECT_EQ(place["logicalLocations"][0]["fullyQualifiedName"], "g(int)");
  const json& frames = result["stacks"][0]["frames"];
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0]["module"], "/lib/x.so");
  EXPECT_FALSE(frames[0]["location"].contains("physicalLocation")) << "it has no line";
  EXPECT_EQ(frames[2], (json{{"location", json::object()}, {"properties", {{"address", "0x3"}}}}));
  EXPECT_EQ(result["properties"]["heap_offset"], "0x8");
  EXPECT_FALSE(result["properties"].contains("stack"));
}

TEST(Reports, HaveTheBytesOfNamesThatAreNoUtf8) {
  json odd = report();
  odd["stack"] = json::array({{{"address", "0x1"}, {"location", "/\uEFE9\u00E9\uEF7F\uF000.c:12"}}});
  EXPECT_NE(text_of(odd).find("    #0 0x1 /\xE9\xC3\xA9\uEF7F\uF000.c:12\n"), std::string::npos) << text_of(odd);
  const json result = sarif_of({odd}).at("runs")[0].at("results")[0];
  EXPECT_EQ(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "file:///%E9%C3%A9%EE%BD%BF%EF%80%80.c");
}

TEST(Sarif, HasTheOtherCallsAsStacksAndPlaces) {
  const json result = sarif_of({with_history()}).at("runs")[0].at("results")[0];
  ASSERT_EQ(result["stacks"].size(), 3U);
  EXPECT_EQ(result["stacks"][0]["message"]["text"], "called from");
  EXPECT_EQ(result["stacks"][1]["message"]["text"], "allocated by thread 21");
  EXPECT_EQ(result["stacks"][1]["frames"][0]["location"]["logicalLocations"][0]["fullyQualifiedName"], "make");
  EXPECT_EQ(result["stacks"][2]["message"]["text"], "freed by thread 22");
  ASSERT_EQ(result["relatedLocations"].size(), 1U) << "who freed it has no line";
  const json& related = result["relatedLocations"][0];
  EXPECT_EQ(related["message"]["text"], "allocated by thread 21");
  EXPECT_EQ(related["physicalLocation"]["region"]["startLine"], 5);
  EXPECT_FALSE(result["properties"].contains("allocated"));
  EXPECT_FALSE(result["properties"].contains("freed"));
}

TEST(Sarif, OfAReportWithoutAStackIsAtTheProgram) {
  const json result = sarif_of({least()}).at("runs")[0].at("results")[0];
  EXPECT_EQ(result["locations"], json::parse(R"([{"physicalLocation":{"artifactLocation":{"uri":"file:///bin/p"}}}])"));
  EXPECT_FALSE(result.contains("relatedLocations"));
  EXPECT_FALSE(result.contains("stacks"));
  EXPECT_EQ(sarif_of({}).at("runs")[0].at("results"), json::array()) << "nothing was found";
}

}  // namespace
}  // namespace trestle::tool
