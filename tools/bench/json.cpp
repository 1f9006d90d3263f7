#include "bench/json.hpp"

#include <nlohmann/json.hpp>

#include "bench/bars.hpp"
#include "failure.hpp"

namespace trestle::tool {
namespace {

using Json = nlohmann::ordered_json;

// Which other programs can rely on: changes when a reader of the former would misread.
constexpr int kFormat = 1;

Json json_of(const Machine& machine) {
  return {{"processor", machine.processor},     {"cores", machine.cores},   {"memory_gib", machine.memory_gib},
          {"load_before", machine.load_before}, {"kernel", machine.kernel}, {"system", machine.system}};
}

Json json_of(const Workload& workload) {
  return {{"name", workload.name},
          {"group", workload.group},
          {"time", workload.cost == Cost::cpu ? "cpu_seconds" : "ns_per_op"},
          {"what", workload.what},
          {"words", workload.words}};
}

Json json_of(const Run& run) {
  Json json{{"workload", run.workload},
            {"allocator", run.allocator},
            {"round", run.round},
            {"cpu_seconds", run.cpu_seconds},
            {"wall_seconds", run.wall_seconds},
            {"peak_rss_kib", run.peak_rss_kib},
            {"figures", run.figures},
            {"answer", run.answer}};
  for (const Sample& sample : run.resident) json["resident"].push_back({sample.milliseconds, sample.kib});
  if (!run.failure.empty()) json["failure"] = run.failure;
  return json;
}

Json or_null(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

Json medians_json(const Campaign& campaign, const Medians& medians) {
  Json all = Json::object();
  for (const Workload& workload : campaign.workloads) {
    for (const Allocator& allocator : campaign.allocators) {
      const std::optional<double> rss = medians.value(Measure::rss, workload.name, allocator.name);
      if (!rss) continue;
      Json& one = all[workload.name][allocator.name];
      one = {{"time", or_null(medians.value(Measure::time, workload.name, allocator.name))}, {"peak_rss_kib", *rss}};
      for (const std::string& figure : medians.figures_of(workload.name)) {
        const auto value = medians.figure(figure, workload.name, allocator.name);
        if (value) one["figures"][figure] = *value;
      }
    }
  }
  return all;
}

Json means_json(const Campaign& campaign, const Medians& medians) {
  Json all = Json::object();
  for (const Allocator& allocator : campaign.allocators) {
    const auto time = medians.mean(Measure::time, allocator.name, campaign.base);
    const auto rss = medians.mean(Measure::rss, allocator.name, campaign.base);
    if (time) all[allocator.name]["time"] = {{"ratio", time->value}, {"workloads", time->workloads}};
    if (rss) all[allocator.name]["peak_rss"] = {{"ratio", rss->value}, {"workloads", rss->workloads}};
  }
  return all;
}

Json bars_json(const Campaign& campaign, const Medians& medians) {
  Json all = Json::array();
  for (const Bar& bar : bars_of(campaign, medians)) {
    all.push_back({{"what", bar.what},
                   {bar.at_least ? "at_least" : "at_most", bar.limit},
                   {"value", or_null(bar.value)},
                   {"reached", bar.value ? Json(bar.is_reached()) : Json(nullptr)}});
  }
  return all;
}

Workload workload_from(const Json& json) {
  return {json.at("name"), json.at("group"), json.at("time") == "cpu_seconds" ? Cost::cpu : Cost::reported,
          json.at("what"), json.at("words")};
}

Run run_from(const Json& json) {
  Run run;
  run.workload = json.at("workload");
  run.allocator = json.at("allocator");
  run.round = json.at("round");
  run.cpu_seconds = json.at("cpu_seconds");
  run.wall_seconds = json.at("wall_seconds");
  run.peak_rss_kib = json.at("peak_rss_kib");
  run.answer = json.at("answer");
  for (const auto& [name, value] : json.at("figures").items()) run.figures[name] = value;
  for (const Json& sample : json.value("resident", Json::array())) run.resident.push_back({sample.at(0), sample.at(1)});
  run.failure = json.value("failure", "");
  return run;
}

Machine machine_from(const Json& json) {
  return {json.at("processor"), json.at("kernel"),     json.at("system"),
          json.at("cores"),     json.at("memory_gib"), json.at("load_before")};
}

Campaign campaign_from(const Json& json) {
  if (json.at("format") != kFormat)
    throw Failure(kOwnFailure, "a campaign of another format: " + json.at("format").dump());
  Campaign campaign;
  campaign.started = json.at("started");
  campaign.version = json.at("version");
  campaign.rounds = json.at("rounds");
  campaign.work = json.at("work");
  campaign.base = json.at("base");
  campaign.machine = machine_from(json.at("machine"));
  for (const Json& one : json.at("allocators")) {
    campaign.allocators.push_back({one.at("name"), one.at("path"), one.at("version")});
  }
  for (const Json& one : json.at("left_out")) campaign.left_out.push_back({one.at("name"), one.at("why")});
  for (const Json& one : json.at("workloads")) campaign.workloads.push_back(workload_from(one));
  for (const Json& one : json.at("runs")) campaign.runs.push_back(run_from(one));
  return campaign;
}

}  // namespace

std::string to_json(const Campaign& campaign, const Medians& medians) {
  Json json{{"format", kFormat},
            {"started", campaign.started},
            {"version", campaign.version},
            {"rounds", campaign.rounds},
            {"work", campaign.work},
            {"base", campaign.base},
            {"machine", json_of(campaign.machine)}};
  json["allocators"] = json["left_out"] = json["workloads"] = json["runs"] = Json::array();
  for (const Allocator& one : campaign.allocators) {
    json["allocators"].push_back({{"name", one.name}, {"path", one.path}, {"version", one.version}});
  }
  for (const LeftOut& one : campaign.left_out) json["left_out"].push_back({{"name", one.name}, {"why", one.why}});
  for (const Workload& one : campaign.workloads) json["workloads"].push_back(json_of(one));
  json["medians"] = medians_json(campaign, medians);
  json["means"] = means_json(campaign, medians);
  json["bars"] = bars_json(campaign, medians);
  for (const Run& one : campaign.runs) json["runs"].push_back(json_of(one));
  return json.dump(1) + "\n";
}

Campaign campaign_from_json(std::istream& text) {
  try {
    return campaign_from(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Failure(kOwnFailure, std::string("not a campaign: ") + error.what());
  }
}

}  // namespace trestle::tool
