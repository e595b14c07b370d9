#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/secret.hpp"

namespace runtime_agent::graphql {

/// Takes known secrets out of texts that a server wrote: it may echo what it was sent.
class Redaction {
public:
  void add(const Secret& secret);
  /// `text` with `[redacted]` in place of each secret, as it is and as JSON or a URL would spell it.
  std::string redacted(std::string_view text) const;
  /// The first words of a text that is no JSON. Where it may hold some all the same, behind a byte order mark for
  /// instance, it may hold credentials that nobody knows yet: then its size. Of a web page its title.
  std::string first_words(std::string_view text) const;
  /// A JSON document for the log: known secrets are taken out, and the values of every field that holds one by its
  /// name (credentials, parameters, tokens). What is no JSON object is only cut to its first words. At most `limit`
  /// bytes.
  std::string redacted_json(std::string_view text, std::size_t limit) const;

private:
  std::vector<Secret> spellings_; // longest first: one may be part of another
};

} // namespace runtime_agent::graphql
