#include "dragoman/data/pickle_reader.h"

#include <nlohmann/json.hpp>
#include <string>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"

using namespace std::string_literals;

namespace {

/// A text of at most 255 bytes, as BINUNICODE writes it.
std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}

/// Protocol 2: a dictionary with the items that `items` pushes.
std::string dictionary(const std::string& items) {
  return "\x80\x02}("s + items + "u.";
}

std::string read(const std::string& pickle) {
  try {
    return dragoman::read_pickle(pickle, "m.pt").data->dump();
  } catch (const dragoman::ModelError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("plain data of a checkpoint is read as it was written", "[pickle]") {
  CHECK(read(dictionary("")) == "{}");
  const std::string options = "cargparse\nNamespace\n)\x81}(" + text("layers") + "K\x06" +
                              text("eps") + "G\x3f\xe0\0\0\0\0\0\0"s + text("copy") + "\x88" +
                              text("none") + "N" + "ub";
  const std::string words = "](" + text("a") + text("ü") + "e";
  const std::string set = "c__builtin__\nset\n](K\x05"s + "e\x85R";
  CHECK(
      read(dictionary(text("opt") + options + text("words") + words + text("set") + set +
                      text("class") + "cos\nsystem\n")) ==
      R"({"class":null,"opt":{"copy":true,"eps":0.5,"layers":6,"none":null},"set":[5],"words":["a","ü"]})");
}

TEST_CASE("a pickle that calls something or holds no data is refused", "[pickle]") {
  using Catch::Contains;
  CHECK_THAT(read(dictionary(text("a") + "cos\nsystem\n" + text("true") + "\x85R")),
             Contains("m.pt") && Contains("calls os system, which is not allowed"));
  CHECK_THAT(read(dictionary(text("a") + "csubprocess\nPopen\n)\x81")),
             Contains("makes an object that is no TorchScript module"));
  CHECK_THAT(read(dictionary(text("a") + text("\xff"))), Contains("no UTF-8"));
  CHECK_THAT(read(dictionary(text("\xff") + text("a"))), Contains("no UTF-8"));
  CHECK_THAT(read("\x80\x02K\x05."), Contains("holds no dictionary"));
  CHECK_THAT(read("\x80\x02}"), Contains("ends too early"));
  // Each list holds the one within it twice.
  std::string lists = "]q"s + '\0';
  for (char level = 1; level < 40; ++level)
    lists = "](" + lists + "h" + static_cast<char>(level - 1) + "eq" + level;
  CHECK_THAT(read("\x80\x02}"s + text("bomb") + lists + "s."),
             Contains("refers to the same values too often"));
}
