#include "dragoman/inference/service/stable_text.h"

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string_view without_open_end(std::string_view text) {
  while (!text.empty()) {
    if (text.ends_with(kReplacement)) {
      text.remove_suffix(kReplacement.size());
    } else if (text.back() == ' ' || text.back() == '\t' || text.back() == '\n') {
      text.remove_suffix(1);
    } else {
      break;
    }
  }
  return text;
}

}  // namespace

std::string StableText::advance(std::string_view text) {
  text = without_open_end(text);
  if (text.size() <= given_.size() || !text.starts_with(given_)) return {};
  std::string part(text.substr(given_.size()));
  given_ += part;
  return part;
}

std::string StableText::finish(std::string_view text) {
  if (!text.starts_with(given_))
    throw Error("stream: the text changed after a part of it was given out. Translate it again.",
                1);
  std::string part(text.substr(given_.size()));
  given_ = text;
  return part;
}

}  // namespace dragoman
