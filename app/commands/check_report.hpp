#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// What `runtime-agent check` has found.
namespace runtime_agent::app {

enum class Verdict {
  passed,
  warning, ///< it works, or it will; somebody may want to know
  failed,
  skipped, ///< could not be looked at, for a reason that another row names, or that is nobody's fault
};

struct CheckRow {
  std::string section; ///< "cluster", "configuration", "Compass", "connection"
  std::string id;      ///< "rights": its paragraph is deploy/CHECKS.md#check-rights
  Verdict verdict = Verdict::passed;
  std::string found;  ///< which part, and what is wrong with it; a sentence without a full stop
  std::string remedy; ///< what to do; empty where it passed
};

/// Collects rows. `looking` is told before something is looked at that may take a while.
class CheckReport {
public:
  explicit CheckReport(std::function<void(std::string_view)> looking) : looking_(std::move(looking)) {}

  void section(std::string name) { section_ = std::move(name); }
  void looking(std::string_view what) const { looking_(what); }
  void passed(std::string id, std::string found) { add(std::move(id), Verdict::passed, std::move(found), ""); }
  void warning(std::string id, std::string found, std::string remedy) {
    add(std::move(id), Verdict::warning, std::move(found), std::move(remedy));
  }
  void failed(std::string id, std::string found, std::string remedy) {
    add(std::move(id), Verdict::failed, std::move(found), std::move(remedy));
  }
  void skipped(std::string id, std::string found) { add(std::move(id), Verdict::skipped, std::move(found), ""); }

  const std::vector<CheckRow>& rows() const { return rows_; }
  /// No row has failed.
  bool good() const;
  nlohmann::ordered_json document() const;
  /// As a person reads it.
  std::string text() const;

private:
  void add(std::string id, Verdict verdict, std::string found, std::string remedy);

  std::function<void(std::string_view)> looking_;
  std::string section_;
  std::vector<CheckRow> rows_;
};

} // namespace runtime_agent::app
