#include "actors/application_reconciler/digest.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::JsonView;

namespace {

// Looked up once: each EVP_sha256() would be searched for among the providers anew.
const EVP_MD* sha256() {
  static const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> found(EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
                                                                EVP_MD_free);
  return found.get();
}

} // namespace

// Fields are small and many, and a call into OpenSSL costs more than hashing one: they are gathered.
struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::array<std::uint8_t, 2048> gathered;
  std::size_t size = 0;

  ~State() { EVP_MD_CTX_free(context); }
  void discard() {
    OPENSSL_cleanse(gathered.data(), size); // Secrets are hashed too
    size = 0;
  }
  void flush() {
    EVP_DigestUpdate(context, gathered.data(), size);
    discard();
  }
};

namespace {

// Making a context costs as much as hashing a small object: each thread keeps its last one.
template <class State>
std::unique_ptr<State>& spare() {
  static thread_local std::unique_ptr<State> kept;
  return kept;
}

} // namespace

Hasher::Hasher() : state_(std::exchange(spare<State>(), nullptr)) {
  if (!state_)
    state_ = std::make_unique<State>();
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL offers no SHA-256");
}

Hasher::~Hasher() {
  state_->discard();
  spare<State>() = std::move(state_);
}

void Hasher::append(const void* bytes, std::size_t count) {
  State& state = *state_;
  if (count > state.gathered.size() - state.size)
    state.flush();
  if (count > state.gathered.size()) {
    EVP_DigestUpdate(state.context, bytes, count);
    return;
  }
  std::memcpy(state.gathered.data() + state.size, bytes, count);
  state.size += count;
}

void Hasher::mark(char kind) {
  append(&kind, 1);
}

void Hasher::text(std::string_view bytes) {
  const std::uint64_t length = bytes.size();
  append(&length, sizeof length);
  append(bytes.data(), bytes.size());
}

Digest Hasher::finish() {
  state_->flush();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> whole{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, whole.data(), &size);
  Digest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

namespace {

// Whether a member counts as absent: see the header.
bool absent(std::string_view key, const JsonView& value) {
  if (value.is_null())
    return true;
  if (value.is_string())
    return absent_text(key, value.text());
  bool nothing = value.is_array() || value.is_object();
  value.for_each_element([&](const JsonView&) { nothing = false; });
  value.for_each_member(
      [&](std::string_view name, const JsonView& member) { nothing = nothing && absent(name, member); });
  return nothing;
}

void hash_object(Hasher& hasher, const JsonView& object) {
  std::vector<std::pair<std::string_view, JsonView>> members;
  object.for_each_member([&](std::string_view key, const JsonView& value) {
    if (!absent(key, value))
      members.emplace_back(key, value);
  });
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  hasher.mark('{');
  for (const auto& [key, value] : members) {
    hasher.mark('k');
    hasher.text(key);
    hash_json(hasher, value);
  }
  hasher.mark('}');
}

void hash_list(Hasher& hasher, const JsonView& list) {
  std::vector<std::pair<MemberKey, JsonView>> members;
  list.for_each_element([&](const JsonView& member) { members.emplace_back(member_key(member), member); });
  std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  hasher.mark('[');
  for (const auto& [key, member] : members)
    hash_json(hasher, member);
  hasher.mark(']');
}

} // namespace

MemberKey member_key(const JsonView& member) {
  if (!member.is_object())
    return {{}, member.text()};
  MemberKey key;
  member.for_each_member([&](std::string_view name, const JsonView& value) {
    if (name == "id")
      key.id = value.text();
    else if (name == "type")
      key.type = value.text();
  });
  return key;
}

void hash_members(Hasher& hasher, const JsonView& object, std::span<const std::string_view> fields) {
  hasher.mark('{');
  for (const auto field : fields) {
    const JsonView value = object.member(field);
    if (absent(field, value))
      continue;
    hasher.mark('k');
    hasher.text(field);
    hash_json(hasher, value);
  }
  hasher.mark('}');
}

void hash_json(Hasher& hasher, const JsonView& value) {
  if (value.is_object()) {
    hash_object(hasher, value);
  } else if (value.is_array()) {
    hash_list(hasher, value);
  } else if (value.is_string()) {
    hasher.mark('"');
    hasher.text(value.text());
  } else {
    hasher.mark('v');
    hasher.text(value.scalar());
  }
}

namespace {

// Unlike hash_json: a list is a sequence, and nothing counts as absent.
void hash_exactly(Hasher& hasher, const JsonView& value) {
  if (value.is_object()) {
    std::vector<std::pair<std::string_view, JsonView>> members;
    value.for_each_member([&](std::string_view key, const JsonView& member) { members.emplace_back(key, member); });
    std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    hasher.mark('{');
    for (const auto& [key, member] : members) {
      hasher.text(key);
      hash_exactly(hasher, member);
    }
    hasher.mark('}');
  } else if (value.is_array()) {
    hasher.mark('[');
    value.for_each_element([&](const JsonView& element) { hash_exactly(hasher, element); });
    hasher.mark(']');
  } else {
    hash_json(hasher, value);
  }
}

} // namespace

bool hash_json_text(Hasher& hasher, std::string_view text) {
  return kubernetes::look_at(text, [&hasher](const JsonView& value) { hash_exactly(hasher, value); });
}

} // namespace runtime_agent::application_reconciler
