// The subcommands of the program. Each is one file that registers itself with the command line; its
// callback does the work and throws dragoman::Error for anything that a user can mend.
#pragma once

namespace CLI {
class App;
}

namespace dragoman {

void add_train(CLI::App& program);
void add_translate(CLI::App& program);
void add_score(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_average(CLI::App& program);
void add_tokenizer(CLI::App& program);
void add_inspect(CLI::App& program);
void add_export(CLI::App& program);
void add_import(CLI::App& program);
void add_quantize(CLI::App& program);
void add_report(CLI::App& program);
void add_doctor(CLI::App& program);
void add_shortlist(CLI::App& program);
void add_config(CLI::App& program);

}  // namespace dragoman
