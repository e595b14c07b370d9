#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/application_reconciler/digest.hpp"
#include "transport/encoding.hpp"
#include "transport/kubernetes/api.hpp"

/// What of an Application's `spec` is ours, told once to whoever listens: to what builds the body, and to what hashes
/// it. An object's members come sorted, as digests need them; a list's come as they were received to what builds, and
/// by id to what hashes, since lists are sets (contract §3). Source: contract §§5.2, 6.
namespace runtime_agent::application_reconciler {

/// Builds a JSON object from what it is told.
class JsonSink {
public:
  static constexpr bool lists_by_id = false;
  explicit JsonSink(kubernetes::Json& object) : open_{&object} {}

  void text(std::string_view key, std::string_view value) { add(key, value); }
  void open_object(std::string_view key) { open(key, kubernetes::Json::object()); }
  void open_array(std::string_view key, std::size_t) { open(key, kubernetes::Json::array()); }
  void open_element() {
    open_.back()->push_back(kubernetes::Json::object());
    open_.push_back(&open_.back()->back());
  }
  void element(std::string_view value) { open_.back()->push_back(value); }
  void flag(std::string_view key, bool value) { add(key, value); }
  void close() { open_.pop_back(); }

private:
  void open(std::string_view key, kubernetes::Json&& empty) { open_.push_back(&add(key, std::move(empty))); }
  /// A member that is not there yet.
  kubernetes::Json& add(std::string_view key, kubernetes::Json&& value) {
    auto& members = open_.back()->get_ref<kubernetes::Json::object_t&>();
    if (members.empty())
      members.reserve(usual_members);
    return members.emplace_back(key, std::move(value)).second;
  }
  static constexpr std::size_t usual_members = 10; // of the largest element

  std::vector<kubernetes::Json*> open_; // pointers stay good: only the innermost one grows
};

/// Writes the members of a JSON object, as text, behind what stands in `out`; begins and ends with the object's braces.
class TextSink {
public:
  static constexpr bool lists_by_id = false;
  explicit TextSink(std::string& out) : out_(out) { open('{', '}'); }
  ~TextSink() { close(); }
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;

  void text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
  }
  void flag(std::string_view key, bool value) {
    begin(key);
    out_ += value ? "true" : "false";
  }
  void open_object(std::string_view key) {
    begin(key);
    open('{', '}');
  }
  void open_array(std::string_view key, std::size_t) {
    begin(key);
    open('[', ']');
  }
  void open_element() {
    separate();
    open('{', '}');
  }
  void element(std::string_view value) {
    separate();
    append_json_string(out_, value);
  }
  void close() {
    out_ += ends_.back();
    ends_.pop_back();
    empty_ = false;
  }

private:
  void separate() {
    if (!std::exchange(empty_, false))
      out_ += ',';
  }
  void begin(std::string_view key) {
    separate();
    append_json_string(out_, key);
    out_ += ':';
  }
  void open(char begin, char end) {
    out_ += begin;
    ends_ += end;
    empty_ = true;
  }

  std::string& out_;
  std::string ends_; // of what is open
  bool empty_ = true;
};

/// Hashes what it is told as hash_json() does the same object: what counts as absent leaves no trace.
class HashSink {
public:
  static constexpr bool lists_by_id = true;
  explicit HashSink(Hasher& hasher) : hasher_(hasher) {}

  void text(std::string_view key, std::string_view value) {
    if (absent_text(key, value))
      return;
    begin_member(key);
    element(value);
  }
  // An object is not there before it has a member that counts.
  void open_object(std::string_view key) { open_.push_back({key, '}', false}); }
  void open_array(std::string_view key, std::size_t elements) {
    open_.push_back({key, ']', false});
    if (elements > 0)
      write_pending();
  }
  void open_element() {
    hasher_.mark('{');
    open_.push_back({{}, '}', true});
  }
  void element(std::string_view value) {
    hasher_.mark('"');
    hasher_.text(value);
  }
  void close() {
    if (open_.back().written)
      hasher_.mark(open_.back().end);
    open_.pop_back();
  }

private:
  struct Level {
    std::string_view key;
    char end;
    bool written;
  };
  void begin_member(std::string_view key) {
    write_pending();
    hasher_.mark('k');
    hasher_.text(key);
  }
  void write_pending() {
    for (Level& level : open_) {
      if (std::exchange(level.written, true))
        continue;
      hasher_.mark('k');
      hasher_.text(level.key);
      hasher_.mark(level.end == '}' ? '{' : '[');
    }
  }
  Hasher& hasher_;
  std::vector<Level> open_;
};

/// Tells the members of `spec` that are ours.
template <class Sink>
void describe_application(Sink& sink, const compass::Application& source, const std::string& name,
                          const MappingSettings& settings);
extern template void describe_application(JsonSink&, const compass::Application&, const std::string&,
                                          const MappingSettings&);
extern template void describe_application(TextSink&, const compass::Application&, const std::string&,
                                          const MappingSettings&);
extern template void describe_application(HashSink&, const compass::Application&, const std::string&,
                                          const MappingSettings&);

} // namespace runtime_agent::application_reconciler
