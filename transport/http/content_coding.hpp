#pragma once

#include <functional>
#include <memory>
#include <string_view>

struct z_stream_s;

namespace runtime_agent::http {

/// Undoes the Content-Encoding of an answer: gzip and deflate, which some gateways apply unasked.
class ContentDecoder {
public:
  /// Whether bodies of this coding can be read. Empty and "identity": as they are.
  static bool knows(std::string_view coding);
  explicit ContentDecoder(std::string_view coding);
  ~ContentDecoder();

  /// Hands on what comes out, in pieces. False: `take` returned it, or the body is damaged.
  bool put(std::string_view bytes, const std::function<bool(std::string_view)>& take);
  bool damaged() const noexcept { return damaged_; }
  /// Whether the body may end here.
  bool whole() const noexcept { return !stream_ || whole_; }

private:
  struct End {
    void operator()(z_stream_s* stream) const noexcept;
  };
  std::unique_ptr<z_stream_s, End> stream_; // null: nothing is to be undone
  bool whole_ = true;
  bool damaged_ = false;
};

} // namespace runtime_agent::http
