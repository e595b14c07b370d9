#include "transport/kubernetes/refusal_cause.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace runtime_agent::kubernetes {
namespace {

/// A message that begins with `beginning`, a name, and `end`.
struct NamedForm {
  std::string_view beginning;
  std::string_view end;
  std::string_view words; ///< "{}": the name
};

constexpr std::array named_forms{
    NamedForm{"admission webhook \"", "\" denied the request", "the admission webhook {} denies it"},
    NamedForm{"Internal error occurred: failed calling webhook \"",
              "\": ", "the admission webhook {} cannot be called; is what serves it running?"},
    NamedForm{"failed calling webhook \"",
              "\": ", "the admission webhook {} cannot be called; is what serves it running?"},
    NamedForm{"conversion webhook for ", ", Kind=", "the conversion webhook of {} fails"},
};

/// What the API server itself says somewhere in the message.
struct Phrase {
  std::string_view part;
  std::string_view words;
};

constexpr std::array phrases{
    Phrase{"because it is being terminated", "its namespace is being terminated"},
    Phrase{"field is immutable when `immutable` is set",
           "it is immutable; it has to be deleted before it can be written anew"},
    Phrase{"failed to encrypt", "the API server cannot encrypt it (KMS)"},
    Phrase{"unable to transform key", "the API server cannot decrypt what is stored (KMS)"},
    Phrase{"etcdserver: mvcc: database space exceeded", "etcd has no space left"},
    Phrase{"etcdserver: request timed out", "etcd does not answer in time"},
    Phrase{"etcdserver: no leader", "etcd has no leader"},
    Phrase{"etcdserver: request is too large", "it is larger than etcd takes"},
};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
  });
}

/// `ValidatingAdmissionPolicy 'x' with binding 'y' denied request: …`, after the object that is forbidden.
std::string policy_of(std::string_view message) {
  constexpr std::string_view forbidden = " is forbidden: ValidatingAdmissionPolicy '";
  const auto at = message.find(forbidden);
  // Before it stands the object: `secrets "x"`.
  if (at == std::string_view::npos || message.substr(0, at).find(": ") != std::string_view::npos)
    return {};
  const std::string_view rest = message.substr(at + forbidden.size());
  const std::string_view name = rest.substr(0, rest.find('\''));
  return is_name(name) ? fmt::format("the ValidatingAdmissionPolicy {} denies it", name) : std::string();
}

} // namespace

std::string refusal_cause(std::string_view message) {
  for (const NamedForm& form : named_forms) {
    if (!message.starts_with(form.beginning))
      continue;
    const std::string_view rest = message.substr(form.beginning.size());
    const auto end = rest.find(form.end);
    if (end != std::string_view::npos && is_name(rest.substr(0, end)))
      return fmt::format(fmt::runtime(form.words), rest.substr(0, end));
  }
  if (auto policy = policy_of(message); !policy.empty())
    return policy;
  for (const Phrase& phrase : phrases)
    if (message.find(phrase.part) != std::string_view::npos)
      return std::string(phrase.words);
  return {};
}

} // namespace runtime_agent::kubernetes
