#include "dragoman/data/safetensors.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::load_safetensors;
using dragoman_test::TemporaryFolder;

std::string safetensors_bytes(const std::string& header, const std::string& numbers) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes += static_cast<char>(static_cast<std::uint64_t>(header.size()) >> shift & 0xFF);
  return bytes + header + numbers;
}

/// Two floats of a, three bytes of b.
const std::string kHeader =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
    R"("b":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]}})";
const std::string kNumbers("\0\0\x80\x3f\0\0\0\x40\1\0\1", 11);

}  // namespace

TEST_CASE("tensors of a safetensors file are read", "[safetensors]") {
  const TemporaryFolder folder;
  folder.write("m.safetensors", safetensors_bytes(kHeader, kNumbers));
  const auto tensors = load_safetensors(folder.path("m.safetensors"));
  REQUIRE(tensors.size() == 2);
  CHECK(at::equal(tensors.at("a"), at::tensor({1.0f, 2.0f}).view({1, 2})));
  CHECK(at::equal(tensors.at("b"), at::tensor({1, 0, 1}).to(at::kBool)));
}

TEST_CASE("a safetensors file cut at any byte is refused", "[safetensors]") {
  const TemporaryFolder folder;
  const std::string whole = safetensors_bytes(kHeader, kNumbers);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    folder.write("m.safetensors", whole.substr(0, size));
    CHECK_THROWS_AS(load_safetensors(folder.path("m.safetensors")), dragoman::ModelError);
  }
  CHECK_THROWS_AS(load_safetensors(folder.path("none")), dragoman::ModelError);
}

TEST_CASE("a safetensors file with any changed byte is read or refused", "[safetensors]") {
  const TemporaryFolder folder;
  const std::string whole = safetensors_bytes(kHeader, kNumbers);
  for (std::size_t place = 0; place < whole.size(); ++place)
    for (const int flip : {1, 4, 0x20, 0x80}) {
      std::string changed = whole;
      changed[place] = static_cast<char>(changed[place] ^ flip);
      folder.write("m.safetensors", changed);
      try {
        static_cast<void>(load_safetensors(folder.path("m.safetensors")));
      } catch (const dragoman::ModelError&) {
      }
    }
  SUCCEED();
}

TEST_CASE("hostile safetensors files are refused with the reason", "[safetensors]") {
  const TemporaryFolder folder;
  const auto message_of = [&](const std::string& header, const std::string& numbers) {
    folder.write("m.safetensors", safetensors_bytes(header, numbers));
    try {
      static_cast<void>(load_safetensors(folder.path("m.safetensors")));
    } catch (const dragoman::ModelError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  const auto one = [](const std::string& type, const std::string& shape,
                      const std::string& offsets) {
    return R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
           "}}";
  };
  const std::string eight(8, '\0');
  CHECK(message_of(one("F32", "[2]", "[0,8]"), eight) == "read");
  using Catch::Contains;
  CHECK_THAT(message_of(one("F33", "[2]", "[0,8]"), eight), Contains("unknown type F33"));
  CHECK_THAT(message_of(one("F64", "[2]", "[0,8]"), eight), Contains("does not fit its bytes"));
  CHECK_THAT(message_of(one("F32", "[4611686018427387904,4]", "[0,8]"), eight),
             Contains("does not fit its bytes"));
  CHECK_THAT(message_of(one("F32", "[4611686018427387904]", "[0,18446744073709551615]"), eight),
             Contains("no list of sizes"));
  CHECK_THAT(message_of(one("U8", "[4611686018427387904]", "[0,4611686018427387904]"), eight),
             Contains("truncated"));
  CHECK_THAT(message_of(one("F32", "[-2]", "[0,8]"), eight), Contains("no list of sizes"));
  CHECK_THAT(message_of(one("F32", "[2]", "[8,0]"), eight), Contains("does not fit its bytes"));
  CHECK_THAT(message_of(one("F32", "[2]", "[0,8]"), eight + "x"), Contains("no tensor"));
  CHECK_THAT(message_of(one("F32", "[1]", "[4,8]"), eight), Contains("overlap, or leave bytes"));
  CHECK_THAT(message_of(one("BOOL", "[1]", "[0,1]"), "\2"), Contains("holds other values"));
  CHECK_THAT(message_of("[]", ""), Contains("no JSON object"));
  CHECK_THAT(message_of(R"({"a":{}, "a":{}})", ""), Contains("twice"));
  CHECK_THAT(message_of(R"({"a":)" + std::string(100, '['), ""), Contains("nested too deeply"));
  const std::string overlap = R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})";
  CHECK_THAT(message_of(overlap, eight), Contains("overlap"));
  folder.write("m.safetensors", std::string(8, '\xff') + "{}");
  CHECK_THROWS_WITH(load_safetensors(folder.path("m.safetensors")),
                    Contains("at most 100000000 are allowed"));
}
