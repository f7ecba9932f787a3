#include "dragoman/training/snapshot.h"

#include <torch/headeronly/version.h>

#include <chrono>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no NaN; nlohmann writes it as null.
double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::string date_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json data_json(const FilterCounts& data) {
  return {{"read", data.read},         {"kept", data.kept},
          {"empty", data.empty},       {"too_short", data.too_short},
          {"too_long", data.too_long}, {"ratio", data.ratio},
          {"cut", data.cut},           {"invalid_text", data.invalid_text}};
}

FilterCounts data_counts(const Json& json) {
  FilterCounts data;
  data.read = json.at("read");
  data.kept = json.at("kept");
  data.empty = json.at("empty");
  data.too_short = json.at("too_short");
  data.too_long = json.at("too_long");
  data.ratio = json.at("ratio");
  data.cut = json.value("cut", std::int64_t{0});
  data.invalid_text = json.at("invalid_text");
  return data;
}

Json counters_json(const Counters& counters) {
  return {{"step", counters.step},
          {"skipped", counters.skipped},
          {"epochs", counters.epochs},
          {"epoch_step", counters.epoch_step},
          {"epoch_length", counters.epoch_length},
          {"sentences", counters.sentences},
          {"source_tokens", counters.source_tokens},
          {"target_tokens", counters.target_tokens},
          {"seconds", counters.seconds},
          {"data", data_json(counters.data)}};
}

Counters counters_from(const Json& json) {
  Counters counters;
  counters.step = json.at("step");
  counters.skipped = json.at("skipped");
  counters.epochs = json.at("epochs");
  counters.epoch_step = json.at("epoch_step");
  counters.epoch_length = json.at("epoch_length");
  counters.sentences = json.at("sentences");
  counters.source_tokens = json.at("source_tokens");
  counters.target_tokens = json.at("target_tokens");
  counters.seconds = number(json.at("seconds"));
  counters.data = data_counts(json.at("data"));
  return counters;
}

Json scores_json(const DevelopmentScores& scores) {
  Json json = {
      {"loss", scores.loss}, {"perplexity", scores.perplexity}, {"accuracy", scores.accuracy}};
  if (scores.bleu) json["bleu"] = *scores.bleu;
  if (scores.chrf) json["chrf"] = *scores.chrf;
  if (scores.rouge1) json["rouge1"] = *scores.rouge1;
  if (scores.rouge2) json["rouge2"] = *scores.rouge2;
  if (scores.rougeL) json["rougeL"] = *scores.rougeL;
  return json;
}

DevelopmentScores scores_from(const Json& json) {
  DevelopmentScores scores;
  scores.loss = number(json.at("loss"));
  scores.perplexity = number(json.at("perplexity"));
  scores.accuracy = number(json.at("accuracy"));
  if (json.contains("bleu")) scores.bleu = number(json.at("bleu"));
  if (json.contains("chrf")) scores.chrf = number(json.at("chrf"));
  if (json.contains("rouge1")) scores.rouge1 = number(json.at("rouge1"));
  if (json.contains("rouge2")) scores.rouge2 = number(json.at("rouge2"));
  if (json.contains("rougeL")) scores.rougeL = number(json.at("rougeL"));
  return scores;
}

Json records_json(const std::vector<CheckpointRecord>& records) {
  Json list = Json::array();
  for (const CheckpointRecord& record : records) {
    Json json = {{"step", record.step}};
    if (record.is_interruption) json["interruption"] = true;
    if (record.scores) json["scores"] = scores_json(*record.scores);
    list.push_back(std::move(json));
  }
  return list;
}

std::vector<CheckpointRecord> records_from(const Json& list) {
  std::vector<CheckpointRecord> records;
  for (const Json& json : list) {
    CheckpointRecord record;
    record.step = json.at("step");
    record.is_interruption = json.value("interruption", false);
    if (json.contains("scores")) record.scores = scores_from(json.at("scores"));
    records.push_back(std::move(record));
  }
  return records;
}

template <typename Read>
auto read_json(const std::string& text, const std::string& origin, Read&& read) {
  try {
    return read(Json::parse(text));
  } catch (const nlohmann::json::exception& problem) {
    throw ModelError(origin + ": is not what Dragoman writes there (" + problem.what() +
                     "). The file is damaged or from another program; use an earlier checkpoint.");
  }
}

}  // namespace

std::string to_json_text(const Snapshot& snapshot) {
  Json json = {{"version", 1},
               {"counters", counters_json(snapshot.counters)},
               {"position", snapshot.position},
               {"bad_steps", snapshot.bad_steps},
               {"validated_step", snapshot.validated_step},
               {"best_step", snapshot.best_step},
               {"misses", snapshot.misses},
               {"threads", snapshot.threads},
               {"checkpoints", records_json(snapshot.records)}};
  if (snapshot.best_score) json["best_score"] = *snapshot.best_score;
  if (snapshot.fitted)
    json["fitted"] = {{"max_steps", snapshot.fitted->max_steps},
                      {"warmup_steps", snapshot.fitted->warmup_steps},
                      {"validate_every", snapshot.fitted->validate_every},
                      {"save_every", snapshot.fitted->save_every}};
  if (snapshot.averaged_updates > 0) json["averaged_updates"] = snapshot.averaged_updates;
  return json.dump(1);
}

Snapshot snapshot_from_json(const std::string& text, const std::string& origin) {
  return read_json(text, origin, [](const Json& json) {
    Snapshot snapshot;
    snapshot.counters = counters_from(json.at("counters"));
    snapshot.position = json.at("position");
    snapshot.bad_steps = json.at("bad_steps");
    snapshot.validated_step = json.at("validated_step");
    snapshot.best_step = json.at("best_step");
    if (json.contains("best_score")) snapshot.best_score = number(json.at("best_score"));
    if (json.contains("fitted")) {
      const Json& fitted = json.at("fitted");
      snapshot.fitted = FittedSchedule{fitted.at("max_steps"), fitted.at("warmup_steps"),
                                       fitted.at("validate_every"), fitted.at("save_every")};
    }
    snapshot.misses = json.at("misses");
    snapshot.averaged_updates = json.value("averaged_updates", std::int64_t{0});
    snapshot.threads = json.at("threads");
    snapshot.records = records_from(json.at("checkpoints"));
    return snapshot;
  });
}

std::string records_to_json(const std::vector<CheckpointRecord>& records, Metric best_metric) {
  const Json json = {
      {"version", 1}, {"best_metric", name(best_metric)}, {"checkpoints", records_json(records)}};
  return json.dump(1) + "\n";
}

RecordList records_from_json(const std::string& text, const std::string& origin) {
  return read_json(text, origin, [](const Json& json) {
    RecordList list{records_from(json.at("checkpoints")), Metric::loss};
    const std::string metric = json.at("best_metric");
    for (const auto& [label, value] : names(Metric{}))
      if (label == metric) list.best_metric = value;
    return list;
  });
}

std::string training_card(const Counters& counters,
                          const std::optional<DevelopmentScores>& scores) {
  Json json = {{"step", counters.step},
               {"epochs", counters.epochs},
               {"sentences", counters.sentences},
               {"source_tokens", counters.source_tokens},
               {"target_tokens", counters.target_tokens},
               {"training_seconds", counters.seconds},
               {"skipped_updates", counters.skipped},
               {"data", data_json(counters.data)},
               {"dragoman", DRAGOMAN_VERSION},
               {"torch", TORCH_VERSION},
               {"date", date_now()}};
  if (scores) json["development"] = scores_json(*scores);
  return json.dump(1) + "\n";
}

std::string averaged_card(const std::string& last_card, const std::vector<std::string>& sources) {
  Json json = Json::parse(last_card, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) json = Json::object();
  json.erase("development");  // those figures are of one of the models, not of the average
  json["averaged"] = sources;
  json["date"] = date_now();
  return json.dump(1) + "\n";
}

}  // namespace dragoman
