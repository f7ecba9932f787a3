// dragoman report: what runs did, as one page for a browser.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/line_output.h"
#include "apps/report_page.h"

namespace dragoman {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string output = "report.html";
};

void report(const ReportOptions& options) {
  std::vector<RunHistory> runs;
  for (const std::string& directory : options.runs)
    runs.push_back(read_run(directory));
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  LineOutput output(options.output);
  if (output.write(report_page(runs, now))) output.finish();
  for (const RunHistory& run : runs)
    if (run.damaged_lines > 0)
      fmt::print(stderr, "warning: {}/log.jsonl: {} damaged lines are passed over\n", run.path,
                 run.damaged_lines);
}

}  // namespace

void add_report(CLI::App& program) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      program.add_subcommand("report", "Write a page that shows how runs went, side by side");
  command->add_option("runs", options->runs, "run directories")
      ->required()
      ->type_name("RUN_DIR...");
  command->add_option("-o,--output", options->output, "the page to write; - is standard output")
      ->type_name("PAGE.html")
      ->capture_default_str();
  command->callback([options] { report(*options); });
}

}  // namespace dragoman
