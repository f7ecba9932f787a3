#include "apps/page_data.h"

namespace dragoman {

std::string page_with_data(std::string_view page, std::string_view json) {
  constexpr std::string_view kPlace = "\"DATA\"";
  // Line ends to JavaScript, though not to JSON.
  constexpr std::string_view kSeparators[] = {"\u2028", "\u2029"};
  const std::size_t place = page.find(kPlace);
  std::string text(page.substr(0, place));
  text.reserve(page.size() + json.size());
  for (std::size_t position = 0; position < json.size(); ++position) {
    const std::string_view rest = json.substr(position);
    if (rest.front() == '<') {
      text += "\\u003c";
    } else if (rest.starts_with(kSeparators[0]) || rest.starts_with(kSeparators[1])) {
      text += rest.starts_with(kSeparators[0]) ? "\\u2028" : "\\u2029";
      position += kSeparators[0].size() - 1;
    } else {
      text += rest.front();
    }
  }
  text += page.substr(place + kPlace.size());
  return text;
}

}  // namespace dragoman
