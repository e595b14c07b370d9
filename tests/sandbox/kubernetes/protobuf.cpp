#include "tests/sandbox/kubernetes/protobuf.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/base64.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

using Json = nlohmann::json;

struct Message;
enum class Form { text, boolean, integer, text_map, bytes_map, texts, message };
struct Field {
  const char* name;
  Form form;
  const Message* message = nullptr;
};
/// The fields that are read, by number; all others are passed over. From the .proto files of k8s.io/api.
struct Message {
  std::map<std::uint64_t, Field> fields;
};

class Reader {
public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  bool failed() const { return failed_; }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty())
        break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80)
        return value;
    }
    failed_ = true;
    rest_ = {};
    return 0;
  }

  std::string_view bytes() {
    const auto size = varint();
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const auto part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }

private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<Json> read(std::string_view bytes, const Message& message);

/// One entry of a map: a message of key and value.
bool read_entry(std::string_view bytes, bool encode, Json& into) {
  Reader reader(bytes);
  std::string key;
  std::string value;
  while (!reader.at_end()) {
    const auto tag = reader.varint();
    const auto content = reader.bytes();
    (tag >> 3 == 1 ? key : value) = content;
  }
  into[key] = encode ? base64_encoded(value) : value;
  return !reader.failed();
}

bool read_bytes(std::string_view bytes, const Field& field, Json& into) {
  switch (field.form) {
  case Form::text:
    into = bytes;
    return true;
  case Form::texts:
    into.push_back(bytes);
    return true;
  case Form::text_map:
  case Form::bytes_map:
    return read_entry(bytes, field.form == Form::bytes_map, into);
  case Form::message:
    if (auto inner = read(bytes, *field.message)) {
      into = std::move(*inner);
      return true;
    }
    return false;
  default:
    return false;
  }
}

std::optional<Json> read(std::string_view bytes, const Message& message) {
  Reader reader(bytes);
  auto object = Json::object();
  while (!reader.at_end()) {
    const auto tag = reader.varint();
    const auto found = message.fields.find(tag >> 3);
    const bool known = found != message.fields.end();
    if ((tag & 7U) == 0) {
      const auto value = reader.varint();
      if (known)
        object[found->second.name] = found->second.form == Form::boolean ? Json(value != 0) : Json(value);
    } else if ((tag & 7U) == 2) {
      const auto content = reader.bytes();
      if (known && !read_bytes(content, found->second, object[found->second.name]))
        return std::nullopt;
    } else {
      return std::nullopt; // these objects have no fixed-width fields
    }
  }
  return reader.failed() ? std::nullopt : std::optional(object);
}

const Message metadata{{{1, {"name", Form::text}},
                        {2, {"generateName", Form::text}},
                        {3, {"namespace", Form::text}},
                        {5, {"uid", Form::text}},
                        {6, {"resourceVersion", Form::text}},
                        {11, {"labels", Form::text_map}},
                        {12, {"annotations", Form::text_map}},
                        {14, {"finalizers", Form::texts}}}};
const Message resource_attributes{{{1, {"namespace", Form::text}},
                                   {2, {"verb", Form::text}},
                                   {3, {"group", Form::text}},
                                   {4, {"version", Form::text}},
                                   {5, {"resource", Form::text}},
                                   {6, {"subresource", Form::text}},
                                   {7, {"name", Form::text}}}};
const Message path_attributes{{{1, {"path", Form::text}}, {2, {"verb", Form::text}}}};
const Message review_spec{{{1, {"resourceAttributes", Form::message, &resource_attributes}},
                           {2, {"nonResourceAttributes", Form::message, &path_attributes}}}};
const Message preconditions{{{1, {"uid", Form::text}}, {2, {"resourceVersion", Form::text}}}};

/// By kind.
const std::map<std::string, Message, std::less<>> kinds{
    {"Namespace", {{{1, {"metadata", Form::message, &metadata}}}}},
    {"ServiceAccount", {{{1, {"metadata", Form::message, &metadata}}}}},
    {"Secret",
     {{{1, {"metadata", Form::message, &metadata}},
       {2, {"data", Form::bytes_map}},
       {3, {"type", Form::text}},
       {4, {"stringData", Form::text_map}},
       {5, {"immutable", Form::boolean}}}}},
    {"ConfigMap",
     {{{1, {"metadata", Form::message, &metadata}},
       {2, {"data", Form::text_map}},
       {3, {"binaryData", Form::bytes_map}},
       {4, {"immutable", Form::boolean}}}}},
    {"SelfSubjectAccessReview", {{{2, {"spec", Form::message, &review_spec}}}}},
    {"DeleteOptions",
     {{{1, {"gracePeriodSeconds", Form::integer}}, {2, {"preconditions", Form::message, &preconditions}}}}},
};

const Message type_meta{{{1, {"apiVersion", Form::text}}, {2, {"kind", Form::text}}}};
const Message envelope{{{1, {"type", Form::message, &type_meta}}, {2, {"raw", Form::text}}}};

} // namespace

std::optional<Json> json_of_protobuf(std::string_view body) {
  constexpr std::string_view magic("k8s\0", 4);
  if (body.substr(0, magic.size()) != magic)
    return std::nullopt;
  const auto outside = read(body.substr(magic.size()), envelope);
  if (!outside || !outside->contains("type"))
    return std::nullopt;
  const auto& type = (*outside)["type"];
  const auto kind = kinds.find(type.value("kind", ""));
  if (kind == kinds.end())
    return std::nullopt;
  auto object = read(outside->value("raw", ""), kind->second);
  if (object) {
    (*object)["kind"] = kind->first;
    (*object)["apiVersion"] = type.value("apiVersion", "");
  }
  return object;
}

} // namespace runtime_agent::sandbox::kube
