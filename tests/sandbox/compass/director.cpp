#include "tests/sandbox/compass/director.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <random>

#include "tests/sandbox/compass/base64.hpp"

namespace runtime_agent::sandbox::compass {
namespace {

using graphql::Expected;
using graphql::FieldCall;
using graphql::Source;

const char* error_name(int code) {
  switch (code) {
  case 20:
    return "NotFound";
  case 21:
    return "NotUnique";
  case 22:
    return "InvalidData";
  case 23:
    return "InsufficientScopes";
  case 24:
    return "TenantRequired";
  case 25:
    return "TenantNotFound";
  case 26:
    return "Unauthorized";
  case 27:
    return "InvalidOperation";
  default:
    return "InternalError";
  }
}

/// How a list is given: as it is, or in an order drawn from a number.
using Order = std::optional<std::uint64_t>;

std::string text_of(const Order& order) {
  return order ? std::to_string(*order) : "-";
}

/// Where a further page begins. Opaque to clients: which collection, in which order, and how many items are behind. Any
/// other text is refused, so that a client which makes its own cursors, or mixes up two lists, is found out.
struct Cursor {
  Order order;
  std::size_t offset = 0;
};

std::string prefix_of(const std::string& collection) {
  return "page/" + collection + "/";
}

std::string text_of(const Cursor& cursor, const std::string& collection) {
  return base64(prefix_of(collection) + text_of(cursor.order) + '/' + std::to_string(cursor.offset));
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc{} && result.ptr == end ? std::optional(number) : std::nullopt;
}

std::optional<Cursor> cursor_of(const std::string& text, const std::string& collection) {
  const auto decoded = from_base64(text);
  const auto prefix = prefix_of(collection);
  if (!decoded || !decoded->starts_with(prefix))
    return std::nullopt;
  const auto rest = std::string_view(*decoded).substr(prefix.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  const auto order = number_of<std::uint64_t>(rest.substr(0, slash));
  const auto offset = number_of<std::size_t>(rest.substr(slash + 1));
  if (!offset || (!order && rest.substr(0, slash) != "-"))
    return std::nullopt;
  return Cursor{order, *offset};
}

/// The same for one list and one number, so that its pages fit together.
void arrange(std::vector<const Json*>& items, const std::string& collection, const Order& order) {
  if (order)
    std::shuffle(items.begin(), items.end(), std::mt19937_64(*order ^ std::hash<std::string>()(collection)));
}

std::vector<const Json*> items_of(const Json& list, const Json& arguments) {
  const auto group = arguments.find("group");
  std::vector<const Json*> items;
  if (!list.is_array())
    return items;
  for (const auto& item : list)
    if (group == arguments.end() || group->is_null() || item.value("group", Json(nullptr)) == *group)
      items.push_back(&item);
  return items;
}

Expected<Source> page(const Json& list, const Json& arguments, const std::string& collection, const Order& order) {
  const auto first = arguments.value("first", Json(nullptr));
  if (!first.is_number_integer())
    return refused(22, "Invalid data [reason=missing required parameter 'first']");
  const auto size = first.get<long>();
  if (size < 1 || size > largest_page)
    return refused(22, "Invalid data [reason=page size must be between 1 and 200]");
  const auto after = arguments.value("after", Json(nullptr));
  if (!after.is_null() && !after.is_string())
    return refused(22, "Invalid data [reason=cursor is not a string]");
  const auto start_cursor = after.is_null() ? std::string() : after.get<std::string>();
  const auto start = start_cursor.empty() ? Cursor{order, 0} : cursor_of(start_cursor, collection);

  auto items = items_of(list, arguments);
  const auto total = items.size();
  if (!start || start->offset > total || (!start_cursor.empty() && start->offset == total))
    return refused(22, "Invalid data [reason=cursor is not correct]");
  arrange(items, collection, start->order);
  const auto end = std::min(total, start->offset + static_cast<std::size_t>(size));
  items = {items.begin() + static_cast<std::ptrdiff_t>(start->offset),
           items.begin() + static_cast<std::ptrdiff_t>(end)};
  auto source =
      Source::made({{"totalCount", total},
                    {"pageInfo",
                     {{"startCursor", start_cursor},
                      {"endCursor", end < total ? text_of(Cursor{start->order, end}, collection) : std::string()},
                      {"hasNextPage", end < total}}}});
  source.list = std::make_shared<const std::vector<const Json*>>(std::move(items));
  return source;
}

/// A list that has no pages.
Source arranged(Source list, const std::string& owner, const Order& order) {
  if (list.null() || !list.json->is_array())
    return list;
  auto items = items_of(*list.json, Json::object());
  arrange(items, "auths-of-" + owner, order);
  list.list = std::make_shared<const std::vector<const Json*>>(std::move(items));
  return list;
}

Source with_id(const Json& list, const Json& id) {
  if (list.is_array())
    for (const auto& item : list)
      if (item.value("id", Json(nullptr)) == id)
        return Source::of(item);
  return {};
}

/// The list behind a page or a lookup: `bundle(id)` looks in `bundles`.
const Json& list_of(const FieldCall& call, const std::string& name) {
  static const Json none;
  const auto found = call.parent.json->find(name);
  return found == call.parent.json->end() ? none : *found;
}

bool is_page_type(std::string_view type) {
  return type.size() > 4 && type.substr(type.size() - 4) == "Page";
}

} // namespace

graphql::Error service_error(int code, const std::string& message) {
  return {message, std::nullopt, nullptr, Json{{"error", error_name(code)}, {"error_code", code}}};
}

DirectorResolver::DirectorResolver(DirectorData& data, std::string caller, std::string tenant)
    : data_(data), caller_(std::move(caller)), tenant_(std::move(tenant)), runtime_(data.snapshot(caller_)),
      order_(data.next_order()) {}

/// The tenant first, then whether the Runtime asks about itself.
Expected<void> DirectorResolver::authorize(const Json& runtime_id) const {
  if (tenant_.empty())
    return refused(24, "Tenant is required");
  if (!runtime_)
    return refused(26, "Unauthorized [reason=runtime " + caller_ + " of the client certificate is not known]");
  if (tenant_ != runtime_->tenant)
    return refused(25, "Tenant not found [externalTenant=" + tenant_ + "]");
  if (!runtime_id.is_null() && runtime_id != Json(caller_))
    return refused(26, "Unauthorized [reason=the client certificate is not that runtime's]");
  return {};
}

Expected<Source> DirectorResolver::root(const FieldCall& call) {
  const bool is_runtime = call.field == "runtime";
  if (auto allowed = authorize(call.arguments.value(is_runtime ? "id" : "runtimeID", Json(nullptr))); !allowed)
    return tl::unexpected(allowed.error());
  if (is_runtime)
    return Source::made({{"id", caller_}, {"name", "sandbox"}, {"description", nullptr}, {"labels", runtime_->labels}});
  if (call.field == "application")
    return with_id(*runtime_->applications, call.arguments.at("id"));
  if (call.field == "applicationsForRuntime")
    return page(*runtime_->applications, call.arguments, "applications", std::nullopt); // these keep theirs
  const auto key = call.arguments.at("key").get<std::string>();
  data_.set_label(caller_, key, call.arguments.at("value"));
  return Source::made({{"key", key}, {"value", call.arguments.at("value")}});
}

Expected<Source> DirectorResolver::resolve(const FieldCall& call) {
  if (call.type == "Query" || call.type == "Mutation")
    return root(call);
  if (is_page_type(call.type) && call.field == "data")
    return Source{nullptr, nullptr, call.parent.list};
  const auto id = [&call] { return call.parent.json->value("id", std::string()); };
  if (call.field == "bundles" || call.field == "apiDefinitions" || call.field == "eventDefinitions")
    return page(list_of(call, std::string(call.field)), call.arguments, std::string(call.field) + "-of-" + id(),
                order_);
  if (call.type == "Application" && call.field == "auths")
    return arranged(graphql::member(call), id(), order_);
  if (call.field == "bundle" || call.field == "apiDefinition" || call.field == "eventDefinition")
    return with_id(list_of(call, std::string(call.field) + "s"), call.arguments.at("id"));
  if (call.field == "labels" && call.arguments.contains("key") && call.arguments["key"].is_string()) {
    const auto all = graphql::member(call);
    const auto key = call.arguments["key"].get<std::string>();
    return !all.null() && all.json->contains(key) ? Source::made({{key, all.json->at(key)}}) : Source{};
  }
  return graphql::member(call);
}

std::string DirectorResolver::type_of(std::string_view, const Source& value) {
  if (value.json->contains("__typename"))
    return value.json->at("__typename").get<std::string>();
  if (value.json->contains("certificate"))
    return "CertificateOAuthCredentialData";
  return value.json->contains("clientId") || value.json->contains("clientSecret") ? "OAuthCredentialData"
                                                                                  : "BasicCredentialData";
}

} // namespace runtime_agent::sandbox::compass
