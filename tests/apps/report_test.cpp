// dragoman report: what the page holds, whatever the runs are like.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;
using Json = nlohmann::json;

namespace {

void put(const TemporaryFolder& folder, const std::string& name, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
  folder.write(name, content);
}

std::string started(int step) {
  return R"({"event":")" + std::string(step == 0 ? "started" : "resumed") +
         R"(","time":1000.0,"step":)" + std::to_string(step) + ",\"parameters\":12}\n";
}

std::string trained(int step, double loss) {
  return R"({"event":"train","time":)" + std::to_string(1000 + step) + R"(,"epoch":1,"step":)" +
         std::to_string(step) + R"(,"loss":)" + std::to_string(loss) + "}\n";
}

std::string validated(int step, double bleu, bool best) {
  return R"({"event":"validation","time":1000.0,"step":)" + std::to_string(step) + R"(,"bleu":)" +
         std::to_string(bleu) + R"(,"best":)" + (best ? "true" : "false") + "}\n";
}

const std::string kFinished = R"({"event":"finished","time":2000.0,"reason":"max_steps","step":40})"
                              "\n";

std::string page_of(const TemporaryFolder& folder, const std::string& arguments) {
  const auto result = run_program(folder, "report " + arguments + " -o page.html");
  INFO(result.err);
  REQUIRE(result.status == 0);
  return folder.read("page.html");
}

Json data_of(const std::string& page) {
  const auto begin = page.find("id=\"data\">") + 10;
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

/// The only run of a log.
Json run_of(const TemporaryFolder& folder, const std::string& log) {
  put(folder, "run/log.jsonl", log);
  return data_of(page_of(folder, "run"))["runs"][0];
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

TEST_CASE("the report of a run holds what its training logged", "[program][report]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const auto training =
      dragoman_test::train(folder, "--set training.norms_every=5 --set training.samples=2");
  INFO(training.err);
  REQUIRE(training.status == 0);
  const std::string page = page_of(folder, "run");
  CHECK_THAT(page, StartsWith("<!doctype html>"));
  CHECK_THAT(page, !Contains("[main.js]") && !Contains("\"DATA\""));
  for (const char* loading : {"src=", "href=", "@import", "fetch(", "url(h"})
    CHECK_THAT(page, !Contains(loading));  // nothing comes from elsewhere
  const Json run = data_of(page)["runs"][0];
  CHECK(run["name"] == "run");
  CHECK(run["state"] == "finished");
  CHECK(run["training"]["loss"]["x"] == Json({5, 10, 15, 20}));
  CHECK(run["training"]["memory"]["y"][0] > 1e6);
  CHECK(run["development"]["bleu"]["x"] == Json({10, 20}));
  CHECK((run["bestStep"] == 10 || run["bestStep"] == 20));
  REQUIRE(run["samples"].size() == 2);
  CHECK(run["samples"][1]["source"] == "5 0 7");
  CHECK(run["samples"][1]["reference"] == "five zero seven");
  REQUIRE(run["samples"][1]["translations"].size() == 2);
  CHECK(run["samples"][1]["translations"][1]["step"] == 20);
  CHECK(run["config"]["training"]["samples"] == 2);
  CHECK(run["environment"]["dragoman"] == "0.1.0");
  CHECK(run["start"]["device"] == "cpu");
  CHECK(run["data"]["read"] > 0);
  CHECK(run["layers"]["x"] == Json({5, 10, 15, 20}));
  const Json names = run["layers"]["names"];
  CHECK(std::find(names.begin(), names.end(), "encoder.layers.0") != names.end());
  for (const char* figure : {"gradient", "update", "weight"}) {
    REQUIRE(run["layers"][figure].size() == 4);
    CHECK(run["layers"][figure][0].size() == names.size());
    CHECK(run["layers"][figure][0][0] > 0.0);
  }
}

TEST_CASE("texts cannot leave their place in the report", "[program][report]") {
  const TemporaryFolder folder;
  const std::string hostile =
      "</script><script>alert(1)</script> <!-- \" ' \\ ]]> ${x} `y` \u2028 \u2029 \u65e5";
  put(folder, "run/log.jsonl",
      started(0) +
          Json{{"event", "sample"},
               {"step", 10},
               {"source", hostile},
               {"reference", hostile},
               {"translation", hostile}}
              .dump() +
          "\n" + Json{{"event", "warning"}, {"message", hostile}}.dump() + "\n");
  put(folder, "run/config.json", Json{{"data", {{"folder", hostile}}}}.dump());
  const std::string page = page_of(folder, "run");
  CHECK_THAT(page, !Contains("</script><script>alert"));
  CHECK_THAT(page, !Contains("\u2028") && !Contains("\u2029"));
  const Json run = data_of(page)["runs"][0];
  CHECK(run["samples"][0]["translations"][0]["text"] == hostile);
  CHECK(run["config"]["data"]["folder"] == hostile);
  CHECK(run["notices"][1]["text"] == hostile);
}

TEST_CASE("what a resumed run did again replaces what it did before", "[program][report]") {
  const TemporaryFolder folder;
  const Json run =
      run_of(folder, started(0) + trained(10, 9.0) + validated(10, 1.0, true) + trained(20, 8.0) +
                         validated(20, 2.0, true) + trained(30, 7.0) + validated(30, 3.0, true) +
                         started(20) + trained(30, 6.5) + validated(30, 1.5, false) +
                         trained(40, 6.0) + kFinished);
  CHECK(run["training"]["loss"]["x"] == Json({10, 20, 30, 40}));
  CHECK(run["training"]["loss"]["y"] == Json({9.0, 8.0, 6.5, 6.0}));
  CHECK(run["development"]["bleu"]["y"] == Json({1.0, 2.0, 1.5}));
  CHECK(run["bestStep"] == 20);
  CHECK(run["state"] == "finished");
  // A folder that was used for another run from the start.
  const Json anew = run_of(folder, started(0) + trained(10, 9.0) + trained(20, 8.0) + kFinished +
                                       started(0) + trained(10, 5.0));
  CHECK(anew["training"]["loss"]["y"] == Json({5.0}));
  CHECK(anew["notices"].size() == 1);
}

TEST_CASE("a run that is not over is shown as it is", "[program][report]") {
  const TemporaryFolder folder;
  const std::string begun = started(0) + trained(10, 9.0);
  const Json silent = run_of(folder, begun + R"({"event":"train","step":20,"lo)");
  CHECK(silent["state"] == "silent");
  CHECK(silent["training"]["loss"]["x"] == Json({10}));
  CHECK(silent["notices"].size() == 1);  // half a line at the end is no damage
  const Json running = run_of(
      folder, begun + R"({"event":"saved","step":10,"time":)" + std::to_string(now()) + "}\n");
  CHECK(running["state"] == "running");
  const Json failed = run_of(
      folder, begun + R"({"event":"failed","time":1011,"message":"20 updates in a row"})" + "\n");
  CHECK(failed["state"] == "failed");
  CHECK(failed["notices"][1]["text"] == "20 updates in a row");
  const Json stopped =
      run_of(folder,
             begun + R"({"event":"finished","time":1011,"reason":"interrupted","step":10})" + "\n");
  CHECK(stopped["state"] == "interrupted");
}

TEST_CASE("damaged lines are counted and told", "[program][report]") {
  const TemporaryFolder folder;
  put(folder, "run/log.jsonl",
      started(0) + "no json\n[1]\n" + trained(10, 9.0) +
          R"({"event":"norms","step":10,"layers":["a"],"gradient":[]})" + "\n");
  put(folder, "run/config.json", "{");
  const auto result = run_program(folder, "report run -o page.html");
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Contains("run/log.jsonl: 2 damaged lines are passed over"));
  const Json run = data_of(folder.read("page.html"))["runs"][0];
  CHECK(run["training"]["loss"]["y"] == Json({9.0}));
  CHECK(run["config"].is_null());
  CHECK(run["layers"].is_null());
  CHECK_THAT(run["notices"][1]["text"].get<std::string>(), StartsWith("2 damaged lines"));
}

TEST_CASE("a hundred thousand lines become a curve that keeps its extremes", "[program][report]") {
  const TemporaryFolder folder;
  std::string log = started(0);
  for (int step = 1; step <= 100000; ++step)
    log += trained(step, step == 54321 ? 99.0 : step == 12345 ? -7.0 : 2.0);
  put(folder, "long/log.jsonl", log);
  put(folder, "short/log.jsonl", started(0) + trained(1, 2.0));
  const std::string page = page_of(folder, "long short");
  CHECK(page.size() < 1000000);
  const Json runs = data_of(page)["runs"];
  const Json loss = runs[0]["training"]["loss"];
  CHECK(loss["x"].size() == 1000);
  CHECK(loss["x"].back() == 100000);
  CHECK(*std::max_element(loss["high"].begin(), loss["high"].end()) == 99.0);
  CHECK(*std::min_element(loss["low"].begin(), loss["low"].end()) == -7.0);
  CHECK(runs[1]["training"]["loss"]["x"] == Json({1}));
}

TEST_CASE("runs of the same name are told apart, and what is no run is named",
          "[program][report]") {
  const TemporaryFolder folder;
  put(folder, "a/run/log.jsonl", started(0) + trained(1, 2.0));
  put(folder, "b/run/log.jsonl", started(0) + trained(1, 2.0));
  put(folder, "empty/log.jsonl", "");
  put(folder, "none/other", "");
  const Json runs = data_of(page_of(folder, "a/run b/run/"))["runs"];
  CHECK(runs[0]["name"] == "a/run");
  CHECK(runs[1]["name"] == "b/run");
  for (const auto& [argument, complaint] :
       {std::pair("none", "none: holds no log.jsonl"),
        std::pair("missing", "missing: is no folder"),
        std::pair("a/run/log.jsonl", "a/run/log.jsonl: is no folder"),
        std::pair("empty", "empty/log.jsonl: tells of no training")}) {
    const auto result = run_program(folder, std::string("report a/run ") + argument);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains(complaint));
  }
  CHECK(run_program(folder, "report").status == 2);
}
