// Model files that are small and made to fill memory or stack.
#include <algorithm>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/model_file.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/peak_memory.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using std::string_literals::operator""s;
using Catch::Contains;
using dragoman_test::ZipMember;

constexpr std::int64_t kMegabyte = 1 << 20;

/// The tiny model without the manifest, which would find every change.
std::vector<ZipMember> tiny_members() {
  const dragoman_test::TinyFile file;
  std::vector<ZipMember> members = dragoman_test::read_members(file.path());
  std::erase_if(members,
                [](const ZipMember& each) { return each.name.ends_with("manifest.json"); });
  return members;
}

std::string& content(std::vector<ZipMember>& members, const std::string& name) {
  return std::ranges::find_if(members,
                              [&](const ZipMember& each) { return each.name.ends_with(name); })
      ->content;
}

void check_refused(const std::vector<ZipMember>& members, const std::string& why) {
  const dragoman_test::TemporaryFolder folder;
  const std::string path = folder.write("bomb.pt", zip_of(members));
  const dragoman_test::PeakMemory memory;
  CHECK_THROWS_WITH(build_transformer(dragoman::load_model_file(path)),
                    Contains("bomb.pt") && Contains(why));
  CHECK_THROWS_AS(build_transformer(dragoman::load_model_file(path)), dragoman::ModelError);
  CHECK(memory.bytes() < 64 * kMegabyte);
}

/// "}(X name tensor ... u.": tensors that all are the whole of record 0.
std::string shared_pickle(int tensors, std::int64_t floats) {
  const auto number = [](std::int64_t value) {
    std::string bytes = "J";
    for (int place = 0; place < 4; ++place)
      bytes += static_cast<char>(value >> (8 * place));
    return bytes;
  };
  const auto text = [&](const std::string& word) {
    return "X" + number(std::ssize(word)).substr(1) + word;
  };
  std::string pickle = "}(";
  for (int tensor = 0; tensor < tensors; ++tensor)
    pickle += text("t" + std::to_string(tensor)) + "ctorch._utils\n_rebuild_tensor_v2\n((" +
              text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
              number(floats) + "tQK\0"s + number(floats) + "\x85K\1\x85\x89NtR"s;
  return pickle + "u.";
}

}  // namespace

TEST_CASE("a configuration of a huge model in a small file is refused", "[fuzz]") {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"dim\": 16", "\"dim\": 65536"},
           {"\"feed_forward\": 32", "\"feed_forward\": 1048576"},
           {"\"layers\": 2", "\"layers\": 1000"}}) {
    auto members = tiny_members();
    std::string& config = content(members, "config.json");
    std::size_t changes = 0;
    for (auto at = config.find(from); at != std::string::npos; at = config.find(from), ++changes)
      config.replace(at, from.size(), to);
    REQUIRE(changes == 2);
    check_refused(members, "describes a model of");
  }
}

TEST_CASE("many tensors of the same bytes are refused", "[fuzz]") {
  auto members = tiny_members();
  std::erase_if(
      members, [](const ZipMember& each) { return each.name.find("/data/") != std::string::npos; });
  members.push_back({"archive/data/0", std::string(kMegabyte, '\0')});
  content(members, "/data.pkl") = shared_pickle(1000, kMegabyte / 4);
  check_refused(members, "share the same bytes");
  content(members, "/data.pkl") = shared_pickle(3, kMegabyte / 4);
  check_refused(members, "do not fit config.json");
}

TEST_CASE("what is nested deeply does not exhaust the stack", "[fuzz]") {
  const std::string nested = std::string(kMegabyte, '[') + std::string(kMegabyte, ']');
  auto members = tiny_members();
  members.push_back({"archive/extra/manifest.json",
                     R"({"format": "dragoman", "version": 1, "tensors": {"a": )" + nested + "}}"});
  check_refused(members, "manifest");
  members = tiny_members();
  content(members, "config.json") = R"({"model": )" + nested + "}";
  check_refused(members, "nested too deeply");
}
