#include "app/commands/progress.hpp"

#include <ostream>

#include <unistd.h>

namespace runtime_agent::app {

Progress::Progress(std::ostream& err) : Progress(err, isatty(STDERR_FILENO) == 1) {}

void Progress::say(std::string_view what) {
  if (!person_)
    return;
  err_ << "\r\033[K… " << what << std::flush;
  said_ = true;
}

void Progress::done() {
  if (said_)
    err_ << "\r\033[K" << std::flush;
  said_ = false;
}

} // namespace runtime_agent::app
