// `trestle report`: the reports that a library left as JSON, as text or as SARIF.
#include <fstream>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "reports.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples = R"(Examples:
  TRESTLE_OPTIONS=report=json:/tmp/reports trestle run -- make test
  trestle report /tmp/reports
  trestle report --sarif /tmp/reports > trestle.sarif
  trestle symbolize --json /tmp/reports | trestle report -)";

struct Request {
  std::vector<std::string> files;
  bool sarif = false;
};

void show(const Request& request) {
  std::vector<nlohmann::json> all;
  for (const std::string& name : request.files) {
    std::ifstream opened;
    if (name != "-") opened.open(name);
    std::istream& file = name == "-" ? std::cin : opened;
    if (!file) throw Failure(1, "cannot open " + name);
    for (nlohmann::json& report : read_reports(file, name)) all.push_back(std::move(report));
    if (file.bad()) throw Failure(1, "cannot read " + name);
  }
  if (request.sarif) {
    std::cout << sarif_of(all).dump(2) << '\n';
  } else {
    for (const nlohmann::json& report : all) std::cout << text_of(report);
  }
  if (!std::cout.flush()) throw Failure(kOwnFailure, "cannot write to stdout");
}

}  // namespace

void add_report(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("report", "Show reports that were written by report=json:PATH, or turn them into SARIF");
  const auto request = std::make_shared<Request>();
  command->add_option("FILE", request->files, "Files of reports, a line of JSON each; - is stdin")->required();
  command->add_flag("--sarif", request->sarif, "One run of SARIF 2.1.0 on stdout, for code scanning");
  command->footer(kExamples);
  command->callback([request] { show(*request); });
}

}  // namespace trestle::tool
