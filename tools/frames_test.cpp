#include "frames.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

namespace trestle::tool {
namespace {

using nlohmann::json;

// What a symbolizer would know, and what it was asked.
class Source {
 public:
  std::map<std::string, Places> known{{"/p 0x1", {{"f", "/f.c:1"}}},
                                      {"/p 0x2", {{"leaf(int) const", "/a b.hpp:2"}, {"", "/mid.c:3"}, {"g", ""}}},
                                      {"/a+0x1 (b) in c 0x3", {{"h", "/h.c:3"}}},
                                      {"/\xC3\xA9\x7F\"\n\xE9 0x4", {{"\xC3\xBC\xFC\"\\", "/\n"}}}};
  std::vector<std::string> asked;
  Resolve resolve() {
    return [this](const std::string& object, const std::string& offset) -> const Places& {
      asked.push_back(object + " " + offset);
      return known[asked.back()];
    };
  }
};

std::string rewritten(const std::vector<std::pair<std::string, std::string>>& lines) {
  Source source;
  TextRewriter text(source.resolve());
  std::string out;
  for (const auto& [line, end] : lines) text.rewrite(line, end, out);
  return out;
}
std::string rewritten(const std::string& line) { return rewritten({{line, ""}}); }

TEST(Frames, AreTakenApart) {
  const std::string line = "12:00 E]     #12 0x55aF (/a b/c+0x1 (x)+0x1f)";
  const auto frame = frame_in(line);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->lead, "12:00 E]     ");
  EXPECT_EQ(frame->number, 12U);
  EXPECT_EQ(frame->address, "0x55aF");
  EXPECT_EQ(frame->object, "/a b/c+0x1 (x)");
  EXPECT_EQ(frame->offset, "0x1f");
  EXPECT_EQ(frame->rest, " (/a b/c+0x1 (x)+0x1f)");
}

TEST(Frames, ThatTellTheirSourceHaveNoObjectToAskFor) {
  for (const char* const line : {"    #0 0x1 in f /f.c:1 (/p+0x1)", "    #0 0x1 /f.c:? (/p+0x1)", "    #0 0x1",
                                 "    #0 0x1 in operator()(int) (/p+0x1)", "    #0 0x1 in f in g (/p+0x1) (/p+0x1)",
                                 "    #0 0x1 (/p)", "    #0 0x1 (/p+0x)", "    #0 0x1 (/p+0x1) ", "    #0 0x1 (+0x1)",
                                 "    #0 0x1 (/p+0x11112222333344445)", "    #0 0x1 (/p+1)", "    #0 0x1 (/p+0x1g)"}) {
    const auto frame = frame_in(line);
    ASSERT_TRUE(frame) << line;
    EXPECT_EQ(frame->object, "") << line;
  }
}

TEST(Frames, AreNotWhatOnlyLooksLikeThem) {
  for (const char* const line :
       {"", "#", "    #", "    #0", "    #0 ", "    #0 0x", "    # 0x1 (/p+0x1)", "    #0 1 (/p+0x1)",
        "x#0 0x1 (/p+0x1)", "    #00 0x1 (/p+0x1)", "    #0 0x1(/p+0x1)", "    #1234567890 0x1 (/p+0x1)",
        "    #0  0x1 (/p+0x1)", "    #0 0x11112222333344445 (/p+0x1)", "  0x1 (/p+0x1)"})
    EXPECT_FALSE(frame_in(line)) << line;
}

TEST(Frames, StandBehindWhatOthersCount) {
  const auto frame = frame_in("[job #3] #7 0x9 is busy:     #0 0x1 (/p+0x1)");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->lead, "[job #3] #7 0x9 is busy:     ");
  EXPECT_EQ(frame->object, "/p");
}

TEST(Frames, InLongLinesTakeTimeInProportion) {
  std::string line;
  while (line.size() < 1U << 20) line += " #1 0x1 (#2 0x1+0x1";
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(rewritten(line), line);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

TEST(Text, HasWhatIsKnownOfAFrame) {
  EXPECT_EQ(rewritten("    #0 0x7 (/p+0x1)"), "    #0 0x7 in f /f.c:1 (/p+0x1)");
  EXPECT_EQ(rewritten("    #0 0x7 (/a+0x1 (b) in c+0x3)"), "    #0 0x7 in h /h.c:3 (/a+0x1 (b) in c+0x3)");
  EXPECT_EQ(rewritten("    #0 0x7 (/q+0x1)"), "    #0 0x7 (/q+0x1)") << "of which nothing is known";
}

TEST(Text, CountsWhatWasInlined) {
  EXPECT_EQ(rewritten({{"t1     #0 0x6 (/p+0x1)", "\n"},
                       {"t2     #1 0x7 (/p+0x2)", "\n"},
                       {"another thread says this", "\n"},
                       {"t3     #2 0x8 (/q+0x1)", "\n"},
                       {"t4     #3 0x9 in main /m.c:1 (/p+0x9)", "\n"},
                       {"t5     #4 0xa", "\n"},
                       {"t6     #0 0x6 (/p+0x1)", "\n"}}),
            "t1     #0 0x6 in f /f.c:1 (/p+0x1)\n"
            "t2     #1 0x7 in leaf(int) const /a b.hpp:2 (/p+0x2)\n"
            "t2     #2 0x7 /mid.c:3 (/p+0x2)\n"
            "t2     #3 0x7 in g (/p+0x2)\n"
            "another thread says this\n"
            "t3     #4 0x8 (/q+0x1)\n"
            "t4     #5 0x9 in main /m.c:1 (/p+0x9)\n"
            "t5     #6 0xa\n"
            "t6     #0 0x6 in f /f.c:1 (/p+0x1)\n");
}

TEST(Text, KeepsTheEndsOfItsLines) {
  EXPECT_EQ(rewritten({{"a", "\r\n"}, {"#0 0x7 (/p+0x2)", "\r\n"}, {"#1 0x8 (/p+0x2)", ""}}),
            "a\r\n#0 0x7 in leaf(int) const /a b.hpp:2 (/p+0x2)\r\n#1 0x7 /mid.c:3 (/p+0x2)\r\n#2 0x7 in g (/p+0x2)\r\n"
            "#3 0x8 in leaf(int) const /a b.hpp:2 (/p+0x2)\r\n#4 0x8 /mid.c:3 (/p+0x2)\r\n#5 0x8 in g (/p+0x2)");
}

TEST(Text, OfAnyOtherKindStaysAsItIs) {
  const std::string nul("\0    #0 0x1 \0\xFF", 14);
  for (const std::string& line : {nul, std::string("  address    0x28, heap offset 0x8"), std::string("    ...")})
    EXPECT_EQ(rewritten(line), line);
}

const Places& long_names(const std::string&, const std::string&) {
  static const Places kLong{{std::string(301, 'f'), std::string(301, 'l')}};
  return kLong;
}

TEST(Text, CutsLongNamesAsTheLibraryDoes) {
  TextRewriter text(long_names);
  std::string out;
  text.rewrite("    #0 0x7 (/p+0x1)", "", out);
  EXPECT_EQ(out, "    #0 0x7 in " + std::string(300, 'f') + "... " + std::string(300, 'l') + " (/p+0x1)");
}

std::string report_with(const std::string& stack) {
  return R"({"severity":"error","kind":"k","meaning":"\u00e9\u007f\"\\ \t","call":"free","address":"0x1","policy":"p", "pid":7,)"
         R"("thread":8,"program":"/p","likely":"l","stack":)" +
         stack + "}";
}
std::string rewritten_report(const std::string& stack) {
  Source source;
  return rewritten_json(report_with(stack), source.resolve());
}

TEST(Json, HasWhatIsKnownOfAFrame) {
  EXPECT_EQ(
      rewritten_report(R"([{"address":"0x7","object":"/p","offset":"0x1"}, {"address":"0x8"}])"),
      report_with(
          R"([{"address":"0x7","function":"f","location":"/f.c:1","object":"/p","offset":"0x1"}, {"address":"0x8"}])"));
}

TEST(Json, HasAFrameForWhatWasInlined) {
  EXPECT_EQ(
      rewritten_report(
          R"([{"address":"0x7","object":"/p","offset":"0x2"},{"address":"0x8","object":"/p","offset":"0x1"}])"),
      report_with(
          R"([{"address":"0x7","function":"leaf(int) const","location":"/a b.hpp:2","object":"/p","offset":"0x2"},)"
          R"({"address":"0x7","location":"/mid.c:3","object":"/p","offset":"0x2"},)"
          R"({"address":"0x7","function":"g","object":"/p","offset":"0x2"},)"
          R"({"address":"0x8","function":"f","location":"/f.c:1","object":"/p","offset":"0x1"}])"));
}

TEST(Json, HasTheFramesOfTheOtherCallsToo) {
  const auto with = [](const std::string& source) {
    return report_with(R"([{"address":"0x6"}],"allocated":{"thread":3,"stack":[{"address":"0x7")" + source +
                       R"(,"object":"/p","offset":"0x1"}]},"freed":{"stack":[{"address":"0x8"},{"address":"0x7")" +
                       source + R"(,"object":"/p","offset":"0x1"}],"thread":4})");
  };
  Source source;
  EXPECT_EQ(rewritten_json(with(""), source.resolve()), with(R"(,"function":"f","location":"/f.c:1")"));
}

TEST(Json, NamesBytesAsTheLibraryDoes) {
  const std::string frame = R"({"address":"0x7",%"object":"/\u00e9\u007f\"\n\uefe9","offset":"0x4"})";
  const auto with = [&](const std::string& keys) {
    std::string text = frame;
    return "[" + text.replace(text.find('%'), 1, keys) + "]";
  };
  EXPECT_EQ(rewritten_report(with("")),
            report_with(with("\"function\":\"\xC3\xBC\\ueffc\\\"\\\\\",\"location\":\"/\\u000a\",")));
}

TEST(Json, CutsLongNamesAsTheLibraryDoes) {
  const json told =
      json::parse(rewritten_json(report_with(R"([{"address":"0x7","object":"/p","offset":"0x1"}])"), long_names));
  EXPECT_EQ(told["stack"][0]["function"], std::string(300, 'f'));
  EXPECT_EQ(told["stack"][0]["location"], std::string(300, 'l'));
}

TEST(Json, ThatTellsItsSourceOrIsNoReportStaysAsItIs) {
  Source source;
  for (
      const std::string& line :
      {report_with("[]"), report_with(R"([{"address":"0x7","function":"x","object":"/p","offset":"0x1"}])"),
       report_with(R"([{"address":"0x7","location":"x","object":"/p","offset":"0x1"}])"),
       report_with(R"([{"address":"0x7","object":"/p"}])"), report_with(R"([{"address":"0x7","offset":"0x1"}])"),
       report_with(R"([{"address":7,"object":"/p","offset":"0x1"}])"), std::string("    #0 0x7 (/p+0x1)"),
       std::string(), std::string(R"({"stack":[{"address":"0x7","object":"/p","offset":"0x1"}]})"),
       report_with(
           R"([{"address":"0x7","object":"/p","offset":"0x9"}],"stack":[{"address":"0x7","object":"/p","offset":"0x1"}])"),
       report_with(
           R"([{"address":"0x7"}],"freed":{"thread":1,"stack":[{"address":"0x7"}]},"stack":[{"address":"0x7","object":"/p","offset":"0x1"}])"),
       report_with("[").substr(0, 100)})
    EXPECT_EQ(rewritten_json(line, source.resolve()), line);
  EXPECT_EQ(source.asked, std::vector<std::string>{});
}

TEST(Json, KeepsWhatOthersPutIntoIt) {
  const std::string nested = R"([{"address":"0x7","object":"/p","offset":"0x9"}],"more":{"stack":[{"address":"0x7"}]})";
  EXPECT_EQ(rewritten_report(nested), report_with(nested));
  Source source;
  std::string line = report_with(R"([{"offset":"0x1","object":"/p","address":"0x7"}],"x":[{"address":"0x7"}])");
  const json before = json::parse(line);
  json after = json::parse(rewritten_json(line, source.resolve()));
  EXPECT_EQ(after["stack"][0]["function"], "f");
  for (const char* const key : {"function", "location"}) after["stack"][0].erase(key);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace trestle::tool
