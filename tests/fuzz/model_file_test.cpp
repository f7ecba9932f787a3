// Damaged model files: each is refused as one, or loads and translates. Nothing crashes, hangs or
// fills the memory. Best run with ./dev asan fuzz_test; [.slow] has thousands of files.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/quantization.h"
#include "dragoman/inference/translator.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/peak_memory.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::Precision;
using dragoman_test::damage_bytes;
using dragoman_test::damage_json;
using dragoman_test::damage_tokenizer;
using dragoman_test::draw;
using dragoman_test::PeakMemory;
using dragoman_test::Random;
using dragoman_test::TemporaryFolder;
using dragoman_test::ZipMember;

struct Kind {
  const char* name;
  Precision precision;
  bool copies;
};
constexpr Kind kKinds[] = {{"fp32", Precision::fp32, false},
                           {"bf16", Precision::bf16, false},
                           {"int8", Precision::int8, false},
                           {"copying", Precision::fp32, true}};

/// The members of a valid model file.
std::vector<ZipMember> valid_members(const Kind& kind, const TemporaryFolder& folder) {
  dragoman::ModelConfig config = dragoman_test::tiny_config(60);
  config.copy_head.enabled = kind.copies;
  dragoman::Archive archive = dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config));
  archive.tensors = quantize_weights(archive.tensors, kind.precision, "tiny");
  save_archive(archive, folder.path("valid.pt"));
  return dragoman_test::read_members(folder.path("valid.pt"));
}

ZipMember& member(std::vector<ZipMember>& members, const std::string& name) {
  return *std::ranges::find_if(
      members, [&name](const ZipMember& each) { return each.name.ends_with(name); });
}

/// A number of a pickle becomes one that no tensor has.
std::string damage_pickle(std::string pickle, Random& random) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::size_t place = draw(random, pickle.size());
    const std::size_t size = pickle[place] == 'K' ? 2 : pickle[place] == 'M' ? 3 : 5;
    if (pickle[place] != 'K' && pickle[place] != 'M' && pickle[place] != 'J') continue;
    const std::uint64_t value = draw(random, 3) == 0   ? random()
                                : draw(random, 2) == 0 ? std::uint64_t{1} << draw(random, 64)
                                                       : draw(random, 5);
    std::string number = "\x8a\x08";
    for (int byte = 0; byte < 8; ++byte)
      number += static_cast<char>(value >> (8 * byte));
    pickle.replace(place, size, number);
    break;
  }
  return pickle;
}

/// Weights that are not numbers, or far too large.
void damage_weights(std::vector<ZipMember>& members, Random& random) {
  std::vector<ZipMember*> weights;
  for (ZipMember& each : members)
    if (each.name.find("/data/") != std::string::npos && each.content.size() >= 4)
      weights.push_back(&each);
  std::string& content = weights[draw(random, weights.size())]->content;
  if (draw(random, 4) == 0) {
    content = damage_bytes(content, random);
    return;
  }
  constexpr std::uint32_t kBits[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x7f7fffff, 0xff7fffff, 1};
  const std::uint32_t bits = kBits[draw(random, std::size(kBits))];
  const std::size_t begin = draw(random, content.size() / 4) * 4;
  const std::size_t end = draw(random, 2) == 0 ? begin + 4 : content.size() / 4 * 4;
  for (std::size_t place = begin; place < end; ++place)
    content[place] = static_cast<char>(bits >> (8 * (place % 4)));
}

void damage_list(std::vector<ZipMember>& members, Random& random) {
  const std::size_t one = draw(random, members.size());
  const std::size_t other = draw(random, members.size());
  switch (draw(random, 4)) {
    case 0:
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(one));
      break;
    case 1:
      std::swap(members[one].content, members[other].content);
      break;
    case 2:
      members.push_back(members[one]);
      break;
    default:
      members[one].name = damage_bytes(members[one].name, random);
  }
}

std::string damaged_file(std::vector<ZipMember> members, Random& random) {
  // What the manifest would find is found by what lies behind it as well.
  if (draw(random, 5) != 0)
    std::erase_if(
        members, [](const ZipMember& each) { return each.name.ends_with("/extra/manifest.json"); });
  switch (draw(random, 9)) {
    case 0:
      return damage_bytes(zip_of(members), random);
    case 1:
      return zip_of(members, &random);
    case 2:
      member(members, "/data.pkl").content =
          damage_bytes(member(members, "/data.pkl").content, random);
      break;
    case 3:
      member(members, "/data.pkl").content =
          damage_pickle(member(members, "/data.pkl").content, random);
      break;
    case 4:
    case 5:
      member(members, "config.json").content =
          damage_json(member(members, "config.json").content, random);
      break;
    case 6:
      member(members, "source.spm").content =
          damage_tokenizer(member(members, "source.spm").content, random);
      break;
    case 7:
      damage_weights(members, random);
      break;
    default:
      damage_list(members, random);
      if (draw(random, 2) == 0 && !members.empty()) {
        ZipMember& each = members[draw(random, members.size())];
        each.content = damage_json(each.content, random);
      }
  }
  return zip_of(members);
}

/// "translated", "refused", or what must not be.
std::string outcome(const std::string& path) {
  try {
    const dragoman::Translator translator(path, {.threads = 1});
    dragoman::DecodingOptions options = translator.defaults();
    options.beam_size = std::min<std::int64_t>(options.beam_size, 4);
    options.max_length = std::min<std::int64_t>(options.max_length, 12);
    const std::vector<std::string> texts = {"two dogs play in the snow", "Ünknown 李明 ０１ wörds"};
    const auto results = translator.translate_batch(texts, options);
    return results.size() == texts.size() ? "translated" : "results are missing";
  } catch (const dragoman::ModelError&) {
    return "refused";
  } catch (const dragoman::UsageError&) {
    return "refused";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// A file that takes longer ends the program; its seed is in the message of the sanitizer or of
/// Catch, and the file is left in the folder of temporary files.
constexpr unsigned kMostSeconds = 60;

void check_files(const Kind& kind, std::uint64_t first_seed, std::uint64_t count) {
  const TemporaryFolder folder;
  const auto members = valid_members(kind, folder);
  REQUIRE(outcome(folder.write("whole.pt", zip_of(members))) == "translated");
  std::map<std::string, std::uint64_t> outcomes;
  double slowest = 0.0;
  std::int64_t most_memory = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    Random random(seed);
    const std::string content = damaged_file(members, random);
    const std::string path = folder.write("seed-" + std::to_string(seed) + ".pt", content);
    CAPTURE(kind.name, seed);
    const PeakMemory memory;
    const auto start = std::chrono::steady_clock::now();
    alarm(kMostSeconds);
    const std::string what = outcome(path);
    alarm(0);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, time.count());
    most_memory = std::max(most_memory, memory.bytes());
    ++outcomes[what];
    CHECK((what == "translated" || what == "refused"));
    CHECK(time.count() < 10.0);
    CHECK(memory.bytes() < 32 * static_cast<std::int64_t>(content.size()) + (64 << 20));
    unlink(path.c_str());
  }
  if (count >= 1000)
    WARN(kind.name << ": " << count << " files, " << outcomes["translated"] << " translated, "
                   << outcomes["refused"] << " refused; slowest " << slowest << " s, most memory "
                   << (most_memory >> 20) << " MiB");
  CHECK(outcomes["refused"] > count / 4);
}

}  // namespace

TEST_CASE("a damaged model file is refused or translates", "[fuzz]") {
  for (const Kind& kind : kKinds)
    check_files(kind, 1, 40);
}

TEST_CASE("thousands of damaged model files are refused or translate", "[fuzz][.slow]") {
  for (const Kind& kind : kKinds)
    check_files(kind, 1000, 5000);
}
