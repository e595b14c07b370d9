#pragma once

#include <iosfwd>
#include <string_view>

namespace runtime_agent::app {

/// One line on a person's terminal that says what is being waited for, and is gone at the end. Nothing where stderr is
/// no terminal.
class Progress {
public:
  explicit Progress(std::ostream& err);
  Progress(std::ostream& err, bool person) : err_(err), person_(person) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { done(); }

  /// In place of what was said before.
  void say(std::string_view what);
  void done();

private:
  std::ostream& err_;
  const bool person_;
  bool said_ = false;
};

} // namespace runtime_agent::app
