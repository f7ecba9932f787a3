#include "dragoman/data/stream_position.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

[[noreturn]] void fail_changed(const std::string& what, const std::string& now,
                               const std::string& then) {
  throw DataError(
      fmt::format("{}: is {}, but was {} when the position in the training data was saved; "
                  "training cannot go on in the same order. Restore it, or start a new run.",
                  what, now, then));
}

[[noreturn]] void fail_damaged(const std::string& reason) {
  throw DataError(fmt::format(
      "position in the training data: is damaged ({}). Resume from another checkpoint.", reason));
}

std::string describe(std::int64_t pairs, const std::string& hash) {
  return fmt::format("{} pairs with hash {}", pairs, hash);
}

std::string hash_text(const CorpusSummary& corpus) {
  return fmt::format("{:016x}", corpus.hash);
}

Json to_json(const CorpusCursor::Position& position) {
  Json object = {{"epoch", position.epoch},
                 {"pass", position.pass},
                 {"selected", position.selected},
                 {"line", position.place.line},
                 {"source_offset", position.place.source_offset},
                 {"target_offset", position.place.target_offset}};
  if (position.place.alignment_offset > 0)
    object["alignment_offset"] = position.place.alignment_offset;
  return object;
}

std::int64_t natural(const Json& object, const char* key) {
  const auto value = object.at(key).get<std::int64_t>();
  if (value < 0) fail_damaged(fmt::format("{} is {}", key, value));
  return value;
}

CorpusCursor::Position cursor_position(const Json& object) {
  return {
      .epoch = natural(object, "epoch"),
      .pass = natural(object, "pass"),
      .selected = natural(object, "selected"),
      .place = {.line = natural(object, "line"),
                .source_offset = natural(object, "source_offset"),
                .target_offset = natural(object, "target_offset"),
                .alignment_offset =
                    object.contains("alignment_offset") ? natural(object, "alignment_offset") : 0}};
}

void check_settings(const Json& saved, const StreamIdentity& identity) {
  for (const auto& [key, now] : identity.settings) {
    const auto then = saved.value(key, std::string("not set"));
    if (then != now) fail_changed(key, now, then);
  }
  for (const auto& [key, then] : saved.items())
    // Earlier versions, which knew one rank only, stored their number.
    if (!identity.settings.contains(key) && key != "number of ranks")
      fail_changed(key, "not set", then.get<std::string>());
}

void check_corpora(const Json& saved, const StreamIdentity& identity) {
  if (saved.size() != identity.corpora.size()) {
    fail_changed("data.train", fmt::format("{} corpora", identity.corpora.size()),
                 fmt::format("{} corpora", saved.size()));
  }
  for (std::size_t index = 0; index < saved.size(); ++index) {
    const auto& corpus = identity.corpora[index];
    const auto pairs = natural(saved[index], "pairs");
    const auto hash = saved[index].at("hash").get<std::string>();
    if (pairs != corpus.pairs || hash != hash_text(corpus)) {
      fail_changed(corpus.name, describe(corpus.pairs, hash_text(corpus)), describe(pairs, hash));
    }
  }
}

StreamPosition parse(const std::string& text, const StreamIdentity& identity) {
  const Json document = Json::parse(text);
  const auto version = document.at("version").get<int>();
  if (version != kVersion) {
    fail_changed("format of the position", std::to_string(kVersion), std::to_string(version));
  }
  check_corpora(document.at("corpora"), identity);
  check_settings(document.at("settings"), identity);
  StreamPosition position{.epoch = natural(document, "epoch"),
                          .chunk = natural(document, "chunk"),
                          .batches = natural(document, "batches"),
                          .corpora = {}};
  for (const auto& corpus : document.at("corpora")) {
    position.corpora.push_back(cursor_position(corpus.at("position")));
  }
  return position;
}

}  // namespace

std::string to_text(const StreamPosition& position, const StreamIdentity& identity) {
  Json corpora = Json::array();
  for (std::size_t index = 0; index < identity.corpora.size(); ++index) {
    const auto& corpus = identity.corpora[index];
    corpora.push_back({{"pairs", corpus.pairs},
                       {"hash", hash_text(corpus)},
                       {"position", to_json(position.corpora[index])}});
  }
  const Json document = {{"version", kVersion},     {"epoch", position.epoch},
                         {"chunk", position.chunk}, {"batches", position.batches},
                         {"corpora", corpora},      {"settings", identity.settings}};
  return document.dump();
}

StreamPosition parse_position(const std::string& text, const StreamIdentity& identity) {
  try {
    return parse(text, identity);
  } catch (const Json::exception& error) {
    fail_damaged(error.what());
  }
}

}  // namespace dragoman
