#include "apps/alignment_output.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPlaces = 1e5;

Json links_as_json(const std::vector<AlignmentLink>& links) {
  Json list = Json::array();
  for (const AlignmentLink& link : links)
    list.push_back({link.source, link.target});
  return list;
}

}  // namespace

Json to_json(const Alignment& alignment) {
  Json json{{"source_tokens", alignment.source_tokens},
            {"tokens", links_as_json(alignment.tokens)},
            {"words", links_as_json(alignment.words)}};
  if (alignment.weights.empty()) return json;
  json["weights"] = Json::array();
  for (const std::vector<float>& row : alignment.weights) {
    Json& list = json["weights"].emplace_back(Json::array());
    for (const float weight : row)
      list.push_back(std::round(static_cast<double>(weight) * kPlaces) / kPlaces);
  }
  return json;
}

std::string to_text(const Alignment& alignment) {
  if (alignment.weights.empty()) return pharaoh(alignment.words);
  std::string text;
  for (const std::vector<float>& row : alignment.weights) {
    std::string_view before = text.empty() ? "" : " ";
    for (const float weight : row) {
      text += fmt::format("{}{:.5g}", before, weight);
      before = ",";
    }
  }
  return text;
}

}  // namespace dragoman
