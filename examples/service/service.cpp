// A service in few lines: a JSON-free protocol over standard input. Each line is a request; the
// answer is its state, a tab and the translation. What has arrived is translated together.
#include <dragoman/data/error.h>
#include <dragoman/inference/translator.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argument_count, char** arguments) try {
  if (argument_count != 2) throw dragoman::UsageError("usage: service MODEL.pt");
  const dragoman::Translator translator(arguments[1], {.threads = 2, .batch_size = 64});
  std::vector<std::string> requests;
  for (std::string line; std::getline(std::cin, line);) {
    requests.push_back(line);
    if (std::cin.rdbuf()->in_avail() > 0 && requests.size() < 1000) continue;
    for (const auto& answer : translator.translate_batch(requests, translator.defaults()))
      std::cout << name(answer.status) << '\t' << answer.text() << '\n';
    std::cout.flush();
    requests.clear();
  }
} catch (const dragoman::Error& error) {
  std::cerr << error.what() << '\n';
  return error.exit_code();
}
