#include "actors/application_reconciler/digest.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>

namespace runtime_agent::application_reconciler {

using kubernetes::Json;

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL offers no SHA-256");
}

Hasher::~Hasher() = default;

void Hasher::mark(char kind) {
  EVP_DigestUpdate(state_->context, &kind, 1);
}

void Hasher::text(std::string_view bytes) {
  const std::uint64_t length = bytes.size();
  EVP_DigestUpdate(state_->context, &length, sizeof length);
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

Digest Hasher::finish() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> whole{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, whole.data(), &size);
  Digest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

namespace {

// Whether a member counts as absent: see the header.
bool absent(std::string_view key, const Json& value) {
  if (value.is_null())
    return true;
  if (value.is_string())
    return value.get_ref<const std::string&>().empty() && key != "authCreateParameterSchema";
  if (value.is_array())
    return value.empty();
  if (value.is_object()) {
    const auto members = value.items();
    return std::all_of(members.begin(), members.end(),
                       [](const auto& member) { return absent(member.key(), member.value()); });
  }
  return false;
}

void hash_object(Hasher& hasher, const Json& object) {
  std::vector<std::pair<std::string_view, const Json*>> members;
  for (const auto& member : object.items())
    if (!absent(member.key(), member.value()))
      members.emplace_back(member.key(), &member.value());
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  hasher.mark('{');
  for (const auto& [key, value] : members) {
    hasher.mark('k');
    hasher.text(key);
    hash_json(hasher, *value);
  }
  hasher.mark('}');
}

} // namespace

void hash_members(Hasher& hasher, const Json& object, std::span<const std::string_view> fields) {
  hasher.mark('{');
  for (const auto field : fields) {
    const auto found = object.is_object() ? object.find(field) : object.end();
    if (found == object.end() || absent(field, *found))
      continue;
    hasher.mark('k');
    hasher.text(field);
    hash_json(hasher, *found);
  }
  hasher.mark('}');
}

void hash_json(Hasher& hasher, const Json& value) {
  if (value.is_object()) {
    hash_object(hasher, value);
  } else if (value.is_array()) {
    hasher.mark('[');
    for (const Json& element : value)
      hash_json(hasher, element);
    hasher.mark(']');
  } else if (value.is_string()) {
    hasher.mark('"');
    hasher.text(value.get_ref<const std::string&>());
  } else {
    hasher.mark('v');
    hasher.text(value.dump());
  }
}

} // namespace runtime_agent::application_reconciler
