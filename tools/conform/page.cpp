#include <algorithm>
#include <sstream>

#include "bench/svg.hpp"
#include "conform/formats.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kStyle = R"(
:root{--ground:#fbfbf9;--card:#fff;--ink:#1c1e21;--soft:#5c6370;--rule:#dcdfe4;--good:#1a7f4b;--bad:#b3261e;--half:#8a6100}
@media(prefers-color-scheme:dark){:root{--ground:#15171a;--card:#1d2024;--ink:#e7e9ec;--soft:#9aa3af;--rule:#343a41;
--good:#5bd08f;--bad:#ff8a80;--half:#e0b04d}}
body{margin:0 auto;max-width:1240px;padding:28px 20px 60px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0 0 2px}h2{font-size:19px;margin:38px 0 8px}p,li{max-width:90ch}p{color:var(--soft)}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:8px 12px}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}.half{color:var(--half)}.none{color:var(--soft)}
pre{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px;font-size:13px}
summary{cursor:pointer}
)";

const char* colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
    case Verdict::named:
      return "good";
    case Verdict::violated:
    case Verdict::damaged:
    case Verdict::hung:
      return "bad";
    case Verdict::fell_short:
    case Verdict::stopped:
    case Verdict::survived:
      return "half";
    case Verdict::absent:
      break;
  }
  return "none";
}

std::string cell(const std::string& text) { return "<td>" + escaped(text) + "</td>"; }

class Page {
 public:
  explicit Page(const Examination& examination) : examination_(examination) {}

  std::string write() {
    out_ << "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><meta name=\"color-scheme\" "
            "content=\"light dark\"/><title>Conformance of allocators</title><style>"
         << escaped(kStyle) << "</style></head>\n<body>\n<h1>Conformance of allocators</h1>\n<p>"
         << escaped(examination_.started) << ", by Trestle " << escaped(examination_.version) << ".</p>\n";
    scores();
    list(Verdict::violated, "Violations");
    list(Verdict::fell_short, "Fell short");
    choices();
    for (const char* const area : kAreas) cases_of(area);
    left_out();
    out_ << "</body></html>\n";
    return out_.str();
  }

 private:
  void scores() {
    out_ << "<h2>Scores</h2>\n<div class=\"wide\"><table><tr><th>library</th>";
    for (const char* const area : kAreas) out_ << "<th>" << area << "</th>";
    out_ << "<th>score</th></tr>\n";
    for (const Examined& library : examination_.libraries) {
      out_ << "<tr>" << cell(library.allocator.name + " " + library.allocator.version);
      for (const char* const area : kAreas) {
        const Score score = score_of(library, area);
        out_ << cell(score.of == 0 ? "-" : plain(score.points, 1) + "/" + plain(score.of, 0));
      }
      out_ << cell(plain(overall_score(library), 1)) << "</tr>\n";
    }
    out_ << "</table></div>\n<p>A rule that is kept is a point, one that could be kept better half a point. Of a "
            "misuse: 3 "
            "points for a report that names it, one more each for the address and for a stack; 2 for a process that is "
            "stopped otherwise; 1 where it goes on unharmed. The score is the mean of the areas' percentages.</p>\n";
  }

  void list(Verdict verdict, const char* title) {
    std::ostringstream items;
    for (const Examined& library : examination_.libraries) {
      for (const ConformResult& result : library.results) {
        if (result.verdict == verdict) item(items, library, result);
      }
    }
    if (!items.str().empty()) out_ << "<h2>" << title << "</h2>\n<ul>\n" << items.str() << "</ul>\n";
  }

  static void item(std::ostream& items, const Examined& library, const ConformResult& result) {
    items << "<li><b>" << escaped(library.allocator.name) << "</b>, " << escaped(result.about.name) << ": "
          << escaped(result.found) << ". <span class=\"none\">" << escaped(result.about.rule) << ": "
          << escaped(result.about.what) << ".</span>";
    if (!result.program.empty())
      items << "<details><summary>a program that shows it</summary><pre>" << escaped(result.program)
            << "</pre></details>";
    items << "</li>\n";
  }

  void header(const char* first) {
    out_ << "<div class=\"wide\"><table><tr><th>" << first << "</th>";
    for (const Examined& library : examination_.libraries) out_ << "<th>" << escaped(library.allocator.name) << "</th>";
    out_ << "</tr>\n";
  }

  void choices() {
    const std::vector<Choice> choices = choices_of(examination_);
    const std::vector<std::string> differences = differences_of(examination_);
    if (!choices.empty()) {
      out_ << "<h2>Choices that the standards leave open</h2>\n";
      header("call");
      for (const Choice& choice : choices) {
        out_ << "<tr>" << cell(choice.what);
        for (const std::string& answer : choice.answers) out_ << cell(answer);
        out_ << "</tr>\n";
      }
      out_ << "</table></div>\n";
    }
    if (differences.empty()) return;
    out_ << "<h2>Answered differently</h2>\n<ul>";
    for (const std::string& difference : differences) out_ << "<li>" << escaped(difference) << "</li>";
    out_ << "</ul>\n";
  }

  // Every library has the same cases in the same order. What was found shows where the pointer rests.
  void cases_of(const std::string& area) {
    if (examination_.libraries.empty() || score_of(examination_.libraries[0], area).of == 0) return;
    out_ << "<h2>Cases: " << area << "</h2>\n";
    header("case");
    for (std::size_t i = 0; i < examination_.libraries[0].results.size(); ++i) {
      const ConformCase& about = examination_.libraries[0].results[i].about;
      if (about.area != area) continue;
      out_ << "<tr><td title=\"" << escaped(about.rule + ": " + about.what) << "\">" << escaped(about.name) << "</td>";
      for (const Examined& library : examination_.libraries) verdict(library.results[i]);
      out_ << "</tr>\n";
    }
    out_ << "</table></div>\n";
  }

  void verdict(const ConformResult& result) {
    const std::string quality =
        std::string(result.has_address ? ", address" : "") + (result.has_stack ? ", stack" : "");
    out_ << "<td class=\"" << colour_of(result.verdict) << "\" title=\"" << escaped(result.found) << "\">"
         << name_of(result.verdict) << quality << "</td>";
  }

  void left_out() {
    if (examination_.left_out.empty()) return;
    out_ << "<h2>Left out</h2>\n<ul>";
    for (const LeftOut& one : examination_.left_out)
      out_ << "<li>" << escaped(one.name) << ": " << escaped(one.why) << "</li>";
    out_ << "</ul>\n";
  }

  const Examination& examination_;
  std::ostringstream out_;
};

}  // namespace

std::string page_of(const Examination& examination) { return Page(examination).write(); }

}  // namespace trestle::tool
