#include "apps/attention_page.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/embedded_pages.h"
#include "apps/page_data.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSteps = 10000.0;  // weights are shown to four digits

Json to_json(const AttentionMap& map) {
  Json rows = Json::array();
  for (const std::vector<float>& row : map) {
    Json cells = Json::array();
    for (const float weight : row)
      cells.push_back(std::lround(static_cast<double>(weight) * kSteps));
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace

std::string attention_page(const AttentionRecord& record, const std::string& title) {
  Json maps = Json::array();
  if (!record.pointer.empty())
    maps.push_back({{"name", "pointer"}, {"w", to_json(record.pointer)}});
  for (std::size_t layer = 0; layer < record.cross.size(); ++layer)
    for (std::size_t head = 0; head < record.cross[layer].size(); ++head)
      maps.push_back(
          {{"name", "layer " + std::to_string(layer + 1) + ", head " + std::to_string(head + 1)},
           {"layer", layer + 1},
           {"w", to_json(record.cross[layer][head])}});
  const Json data{{"title", title},
                  {"source", record.source},
                  {"target", record.target},
                  {"sourceTokens", record.source_tokens},
                  {"targetTokens", record.target_tokens},
                  {"logProbabilities", record.log_probabilities},
                  {"generate", record.generate},
                  {"copied", record.copied},
                  {"steps", kSteps},
                  {"maps", std::move(maps)}};
  return page_with_data(kAttentionPage, data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace dragoman
