#include "dragoman/data/config.h"

#include <limits>

#include "dragoman/data/error.h"
#include "dragoman/data/spelling.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
using dragoman::parse_config;
using dragoman::to_json_text;
using dragoman::UsageError;

namespace {

enum class Colour { red, green };
constexpr auto names(Colour) {
  return std::to_array<std::pair<std::string_view, Colour>>(
      {{"red", Colour::red}, {"green", Colour::green}});
}

struct Part {
  std::string file;
  double weight = 1.0;
  double limit = 10.0;

  static void fields(auto& self, auto&& visit) {
    visit("file", self.file, "a path | or two");
    visit("weight", self.weight, "its weight", 0.0, 100.0);
    visit("limit", self.limit, "its greatest weight");
  }
  void check(auto&& require) const { require(weight <= limit, "weight", "must not exceed limit"); }
  bool operator==(const Part&) const = default;
};

struct Network {
  std::int64_t dim = 512;
  std::int64_t heads = 8;
  Colour colour = Colour::red;
  std::vector<Part> parts;

  static void fields(auto& self, auto&& visit) {
    visit("dim", self.dim, "width", 1, 65536);
    visit("heads", self.heads, "attention heads", 1, 1024);
    visit("colour", self.colour, "the colour");
    visit("parts", self.parts, "the parts");
  }
  void check(auto&& require) const {
    require(dim % heads == 0, "dim", "must be a multiple of heads");
  }
  bool operator==(const Network&) const = default;
};

struct Document {
  Network network;
  std::string output = "run";
  bool joint = true;
  double rate = 0.5;
  std::int64_t seed = 1;
  std::vector<std::string> symbols = {"<a>"};

  static void fields(auto& self, auto&& visit) {
    visit("network", self.network, "the network");
    visit("output", self.output, "where to");
    visit("joint", self.joint, "together");
    visit("rate", self.rate, "the rate", 0.0, 1.0);
    visit("seed", self.seed, "the seed");
    visit("symbols", self.symbols, "symbols");
  }
  void check(auto&& require) const {
    require(rate < 1.0 || network.dim < 1000, "rate", "must be below 1 when network.dim is large");
  }
  bool operator==(const Document&) const = default;
};

Document parse(std::string_view text, const std::vector<std::string>& overrides = {}) {
  return parse_config<Document>(text, "a.json", overrides);
}

std::string problem(std::string_view text, const std::vector<std::string>& overrides = {}) {
  try {
    (void)parse(text, overrides);
  } catch (const UsageError& error) {
    CHECK(error.exit_code() == 2);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("keys that are not given keep their defaults", "[config]") {
  CHECK(parse("{}") == Document{});
  const auto config =
      parse(R"({"network": {"dim": 256, "colour": "green"}, "rate": 1, "symbols": []})");
  CHECK(config.network.dim == 256);
  CHECK(config.network.heads == 8);
  CHECK(config.network.colour == Colour::green);
  CHECK(config.rate == 1.0);
  CHECK(config.symbols.empty());
}

TEST_CASE("a configuration that is written and read is the same", "[config]") {
  Document config;
  config.network = {64, 4, Colour::green, {{"a \"b\" \\ é", 0.1, 2.0}, {"", 1e-300, 1e300}}};
  config.output = "tab\tline\n";
  config.rate = 0.1 + 0.2;
  config.seed = std::numeric_limits<std::int64_t>::max();
  CHECK(parse(to_json_text(config)) == config);
  config.seed = std::numeric_limits<std::int64_t>::min();
  CHECK(parse(to_json_text(config)) == config);
}

TEST_CASE("comments and a byte order mark are allowed", "[config]") {
  CHECK(parse("\xEF\xBB\xBF// one\n{ /* two */ \"seed\": 3 }").seed == 3);
}

TEST_CASE("an unknown key is refused and the nearest one offered", "[config]") {
  CHECK_THAT(problem(R"({"sede": 1})"), Equals("a.json: sede: unknown key. Did you mean seed?"));
  CHECK_THAT(problem(R"({"network": {"head": 1}})"),
             Equals("a.json: network.head: unknown key. Did you mean network.heads?"));
  CHECK_THAT(problem(R"({"heads": 1})"),
             Equals("a.json: heads: unknown key. Did you mean network.heads?"));
  CHECK_THAT(
      problem(R"({"network": {"parts": [{"wieght": 1}]}})"),
      Contains("network.parts[0].wieght: unknown key. Did you mean network.parts[0].weight?"));
  CHECK_THAT(problem(R"({"qqqqqqq": 1})"),
             Contains("qqqqqqq: unknown key. 'dragoman config' lists all keys."));
}

TEST_CASE("a value of the wrong type is refused", "[config]") {
  CHECK_THAT(problem(R"({"seed": 3.7})"), Equals("a.json: seed: must be an integer, is 3.7."));
  CHECK_THAT(problem(R"({"seed": "3"})"), Contains("seed: must be an integer, is \"3\""));
  CHECK_THAT(problem(R"({"seed": null})"), Contains("seed: must be an integer, is null"));
  CHECK_THAT(problem(R"({"rate": true})"), Contains("rate: must be a number, is true"));
  CHECK_THAT(problem(R"({"joint": 1})"), Contains("joint: must be true or false, is 1"));
  CHECK_THAT(problem(R"({"output": 1})"), Contains("output: must be a string, is 1"));
  CHECK_THAT(problem(R"({"symbols": ["a", 1]})"),
             Contains("symbols: must be a list of strings, is a list"));
  CHECK_THAT(problem(R"({"symbols": "a"})"),
             Contains("symbols: must be a list of strings, is \"a\""));
  CHECK_THAT(problem(R"({"network": []})"), Contains("network: must be an object, is a list"));
  CHECK_THAT(problem(R"({"network": {"parts": {}}})"),
             Contains("network.parts: must be a list of objects, is an object"));
  CHECK_THAT(problem(R"({"network": {"parts": [{}, 3]}})"),
             Contains("network.parts[1]: must be an object, is 3"));
}

TEST_CASE("a whole number may be written with a fraction or an exponent", "[config]") {
  CHECK(parse(R"({"seed": 3.0})").seed == 3);
  CHECK(parse(R"({"seed": 1e6})").seed == 1000000);
}

TEST_CASE("numbers out of range are refused with the range", "[config]") {
  CHECK_THAT(problem(R"({"network": {"dim": 0}})"),
             Equals("a.json: network.dim: 0 is out of range (1 to 65536)."));
  CHECK_THAT(problem(R"({"rate": 1.5})"), Equals("a.json: rate: 1.5 is out of range (0 to 1)."));
  CHECK_THAT(problem(R"({"seed": 9223372036854775808})"),
             Contains("seed: 9223372036854775808 is out of range"));
  CHECK_THAT(problem(R"({"seed": 1e30})"), Contains("seed: 1e+30 is out of range"));
  CHECK_THAT(problem(R"({"rate": 1e999})"), Contains("is not valid JSON"));
  CHECK_THAT(problem(R"({"rate": NaN})"), Contains("is not valid JSON"));
  CHECK_THAT(problem("{}", {"rate=NaN"}), Equals("--set rate=NaN: must be a number, is \"NaN\"."));
  CHECK_THAT(problem("{}", {"rate=inf"}), Contains("must be a number"));
}

TEST_CASE("unknown names of an enumeration are refused with the list", "[config]") {
  CHECK_THAT(
      problem(R"({"network": {"colour": "gren"}})"),
      Equals(
          "a.json: network.colour: must be one of red, green, is \"gren\". Did you mean green?"));
  CHECK_THAT(problem(R"({"network": {"colour": 1}})"), Contains("must be one of red, green, is 1"));
}

TEST_CASE("rules that cross fields name the values", "[config]") {
  CHECK_THAT(problem(R"({"network": {"dim": 500, "heads": 7}})"),
             Equals("a.json: network.dim (500) must be a multiple of heads (7)."));
  CHECK_THAT(problem(R"({"network": {"dim": 1024}, "rate": 1})"),
             Equals("a.json: rate (1.0) must be below 1 when network.dim (1024) is large."));
  CHECK_THAT(problem(R"({"network": {"parts": [{}, {"weight": 5, "limit": 4}]}})"),
             Equals("a.json: network.parts[1].weight (5.0) must not exceed limit (4.0)."));
}

TEST_CASE("a rule about a value that was refused is not reported", "[config]") {
  CHECK_THAT(problem(R"({"network": {"dim": 500, "heads": 7000}})"),
             Equals("a.json: network.heads: 7000 is out of range (1 to 1024)."));
}

TEST_CASE("all problems of a document are reported at once", "[config]") {
  const auto text =
      problem(R"({"sede": 1, "rate": 2, "network": {"dim": 500, "heads": 7, "colour": "blue"}})",
              {"seed=x"});
  CHECK_THAT(text, Equals("a.json: 5 problems:\n"
                          "  sede: unknown key. Did you mean seed?\n"
                          "  rate: 2 is out of range (0 to 1).\n"
                          "  network.colour: must be one of red, green, is \"blue\".\n"
                          "  --set seed=x: must be an integer, is \"x\".\n"
                          "  network.dim (500) must be a multiple of heads (7)."));
}

TEST_CASE("a key that is given twice is refused", "[config]") {
  CHECK_THAT(problem(R"({"seed": 1, "network": {"dim": 8, "heads": 1, "dim": 16}, "seed": 2})"),
             Equals("a.json: 2 problems:\n  network.dim: is given twice. Keep one of them.\n"
                    "  seed: is given twice. Keep one of them."));
  CHECK(parse(R"({"network": {"parts": [{"weight": 1}, {"weight": 2}]}})").network.parts.size() ==
        2);
}

TEST_CASE("text that is no JSON is refused with line and column", "[config]") {
  CHECK_THAT(problem("{\n  \"seed\": 1,\n  \"rate\" 2\n}"),
             Contains("a.json:3:10: is not valid JSON: "));
  CHECK_THAT(problem("{\"seed\": 1"), Contains("a.json:1:11: is not valid JSON"));
  CHECK_THAT(problem(""), Contains("a.json:1:1: is empty"));
  CHECK_THAT(problem("[1]"), Contains("must hold an object {...}, holds a list"));
  CHECK_THAT(problem("{\"output\": \"\xff\"}"), Contains("is not valid JSON"));
  CHECK_THAT(problem(std::string(100000, '[')), Contains("is nested too deeply"));
}

TEST_CASE("overrides replace single values", "[config]") {
  const auto config = parse(R"({"network": {"dim": 64}})",
                            {"network.dim=128", "output=a=b", "rate=0.25", "joint=false",
                             "network.colour=green", "symbols=[\"x\",\"y\"]"});
  CHECK(config.network.dim == 128);
  CHECK(config.output == "a=b");
  CHECK(config.rate == 0.25);
  CHECK_FALSE(config.joint);
  CHECK(config.network.colour == Colour::green);
  CHECK(config.symbols == std::vector<std::string>{"x", "y"});
}

TEST_CASE("a string may be overridden by bare words that look like JSON", "[config]") {
  CHECK(parse("{}", {"output=2024"}).output == "2024");
  CHECK(parse("{}", {"output=true"}).output == "true");
  CHECK(parse("{}", {"output=\"quoted\""}).output == "quoted");
  CHECK(parse("{}", {"output="}).output.empty());
}

TEST_CASE("overrides reach elements of lists, and add the next one", "[config]") {
  const auto config = parse(
      R"({"network": {"parts": [{"file": "a"}]}})",
      {"network.parts[0].weight=2", "network.parts.1.file=b", R"(network.parts[2]={"file": "c"})"});
  REQUIRE(config.network.parts.size() == 3);
  CHECK(config.network.parts[0] == Part{"a", 2.0, 10.0});
  CHECK(config.network.parts[1].file == "b");
  CHECK(config.network.parts[2].file == "c");
  CHECK_THAT(problem("{}", {"network.parts[1].file=b"}), Contains("has 0 elements"));
  CHECK_THAT(problem("{}", {"network.parts.x=b"}), Contains("name one by its index"));
}

TEST_CASE("an override may replace a whole section", "[config]") {
  const auto config = parse("{}", {R"(network={"dim": 64, "heads": 2})"});
  CHECK(config.network.dim == 64);
  CHECK(config.network.heads == 2);
}

TEST_CASE("command-line flags are overrides and named as such", "[config]") {
  CHECK(parse("{}", {"--seed=5"}).seed == 5);
  CHECK_THAT(problem("{}", {"--rate=5"}), Equals("--rate=5: 5 is out of range (0 to 1)."));
}

TEST_CASE("wrong overrides are refused", "[config]") {
  CHECK_THAT(problem("{}", {"network.dmi=1"}),
             Equals("--set network.dmi=1: unknown key. Did you mean network.dim?"));
  CHECK_THAT(problem("{}", {"dim=1"}),
             Equals("--set dim=1: unknown key. Did you mean network.dim?"));
  CHECK_THAT(problem("{}", {"seed"}), Contains("--set seed: has no value. Write key=value"));
  CHECK_THAT(problem("{}", {"seed.x=1"}), Contains("seed has no parts"));
  CHECK_THAT(problem("{}", {"=1"}), Contains("unknown key"));
  CHECK_THAT(problem("{}", {"network=3"}), Contains("must be an object, is 3"));
}

TEST_CASE("unknown keys of a stored document are warned of, each by name", "[config]") {
  const auto text = R"({"seed": 3, "copies": 1, "network": {"dim": 64, "gate": {"x": 1}}})";
  std::vector<std::string> warnings;
  const auto config = dragoman::parse_stored_config<Document>(text, "run/config.json",
                                                              std::vector<std::string>{}, warnings);
  CHECK(config.seed == 3);
  CHECK(config.network.dim == 64);
  REQUIRE(warnings.size() == 2);
  CHECK_THAT(warnings[0],
             StartsWith("run/config.json: copies: this version does not know the key"));
  CHECK_THAT(warnings[1], StartsWith("run/config.json: network.gate: this version does not know"));
}

TEST_CASE("all else about a stored document is checked, and so are overrides", "[config]") {
  std::vector<std::string> warnings;
  const auto read = [&](std::string_view text, const std::vector<std::string>& overrides) {
    (void)dragoman::parse_stored_config<Document>(text, "a.json", overrides, warnings);
  };
  CHECK_THROWS_WITH(read(R"({"copies": 1, "seed": "x"})", {}),
                    Equals("a.json: seed: must be an integer, is \"x\"."));
  CHECK_THROWS_WITH(read(R"({"copies": 1})", {"network.dmi=1"}),
                    Equals("--set network.dmi=1: unknown key. Did you mean network.dim?"));
  CHECK_THROWS_WITH(read("{}", {"network={\"dmi\": 1}"}), Contains("network.dim"));
}

TEST_CASE("a section of a document is found without reading the others", "[config]") {
  const auto text = R"({"network": {"dim": 64}, "other": [1, 2]})";
  CHECK(parse_config<Network>(dragoman::config_section(text, "network", "a.json"), "a.json").dim ==
        64);
  CHECK(dragoman::config_section(text, "none", "a.json") == "{}");
  CHECK_THROWS_AS(dragoman::config_section("{", "none", "a.json"), UsageError);
}

TEST_CASE("the reference lists every key with type, default and range", "[config]") {
  Document config;
  const auto text = dragoman::document_config(dragoman::describe(config));
  CHECK_THAT(text, Contains("## network\n\nthe network.\n"));
  CHECK_THAT(text, Contains("| `network.dim` | integer | `512` | 1 to 65536 | width |\n"));
  CHECK_THAT(text, Contains("| `network.colour` | one of red, green | `red` |  | the colour |\n"));
  CHECK_THAT(text,
             Contains("| `network.parts[].file` | string | (empty) |  | a path \\| or two |\n"));
  CHECK(config == Document{});
}

TEST_CASE("spelling suggestions are near or none", "[spelling]") {
  const std::vector<std::string> names = {"train", "translate", "score"};
  CHECK(dragoman::edit_distance("", "abc") == 3);
  CHECK(dragoman::edit_distance("kitten", "sitting") == 3);
  CHECK(dragoman::edit_distance("trian", "train") == 1);
  CHECK(dragoman::nearest_spelling("trian", names) == "train");
  CHECK(dragoman::nearest_spelling("transalte", names) == "translate");
  CHECK(dragoman::nearest_spelling("xyz", names).empty());
}

namespace {

struct Batches {
  dragoman::AutomaticInteger tokens = 4096;

  static void fields(auto& self, auto&& visit) {
    visit("tokens", self.tokens, "the budget", 1, 5000);
  }
  void check(auto&&) const {}
};

struct BatchDocument {
  Batches batches;

  static void fields(auto& self, auto&& visit) { visit("batches", self.batches, "the batches"); }
  void check(auto&&) const {}
};

}  // namespace

TEST_CASE("a number may be left to the program", "[config]") {
  const auto read = [](const std::string& text, const std::vector<std::string>& overrides = {}) {
    return parse_config<BatchDocument>(text, "a.json", overrides).batches.tokens;
  };
  CHECK(read("{}") == 4096);
  CHECK(read(R"({"batches": {"tokens": 12}})") == 12);
  CHECK(read(R"({"batches": {"tokens": "auto"}})").is_automatic());
  CHECK(read("{}", {"batches.tokens=auto"}).is_automatic());
  CHECK(read(R"({"batches": {"tokens": "auto"}})", {"batches.tokens=7"}) == 7);
  BatchDocument document;
  document.batches.tokens = {};
  CHECK(read(to_json_text(document)).is_automatic());
  CHECK_THROWS_WITH(read(R"({"batches": {"tokens": 0}})"),
                    Contains("batches.tokens: 0 is out of range (1 to 5000)"));
  CHECK_THROWS_WITH(read(R"({"batches": {"tokens": "many"}})"),
                    Contains("must be an integer or \"auto\", is \"many\""));
  CHECK_THAT(dragoman::document_config(dragoman::describe(document)),
             Contains("| `batches.tokens` | integer or \"auto\" | `auto` | 1 to 5000 |"));
}
