#include "transport/compass/director_mapping.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "transport/json_cost.hpp"

namespace runtime_agent::compass {
namespace {

using simdjson::dom::element;

constexpr bool not_blank = true;
// Of JSON within a string, while the answer's own document is there. A Secret takes a megabyte of text.
constexpr std::size_t most_inner_bytes = 16u << 20;

Secret secret(ObjectReader& object, std::string_view field) {
  return Secret(object.text(field));
}

std::optional<Version> read_version(ObjectReader& definition) {
  const auto value = definition.value_or_null("version");
  if (!value)
    return std::nullopt;
  const auto place = definition.at("version");
  ObjectReader version(*value, place, definition.verdict());
  return Version{.value = version.text("value"),
                 .deprecated = version.flag_or_null("deprecated"),
                 .deprecated_since = version.text_or_null("deprecatedSince"),
                 .for_removal = version.flag_or_null("forRemoval")};
}

ApiDefinition read_api(element value, const Place& place, Verdict& verdict) {
  ObjectReader api(value, place, verdict);
  return {.id = api.text("id", not_blank),
          .name = api.text("name"),
          .description = api.text_or_null("description"),
          .target_url = api.text("targetURL"),
          .group = api.text_or_null("group"),
          .version = read_version(api)};
}

EventDefinition read_event(element value, const Place& place, Verdict& verdict) {
  ObjectReader event(value, place, verdict);
  return {.id = event.text("id", not_blank),
          .name = event.text("name"),
          .description = event.text_or_null("description"),
          .group = event.text_or_null("group"),
          .version = read_version(event)};
}

Credential read_credential(ObjectReader& auth) {
  const auto value = auth.value_or_null("credential");
  if (!value)
    return std::monostate{};
  const auto place = auth.at("credential");
  ObjectReader credential(*value, place, auth.verdict());
  auto type = credential.text("__typename", not_blank);
  if (type == "BasicCredentialData")
    return BasicCredential{secret(credential, "username"), secret(credential, "password")};
  if (type == "OAuthCredentialData")
    return OAuthCredential{secret(credential, "clientId"), secret(credential, "clientSecret"), credential.text("url")};
  return UnknownCredential{std::move(type)};
}

/// Headers or query parameters: an object, or a string that holds one (both are seen in the field).
std::optional<Secret> read_parameters(ObjectReader& auth, std::string_view field, bool& empty) {
  auto value = auth.value_or_null(field);
  std::string_view text;
  if (value && value->get(text) == simdjson::SUCCESS) {
    element inner;
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
      return std::nullopt;
    if (json_parsing_cost(text) > most_inner_bytes) {
      auth.verdict().wrong(auth.at(field),
                           fmt::format("is a string whose JSON of {} bytes would take more than {} bytes "
                                       "of memory to be read",
                                       text.size(), most_inner_bytes));
      return std::nullopt;
    }
    if (auth.verdict().inner_parser().parse(text.data(), text.size()).get(inner) != simdjson::SUCCESS) {
      auth.verdict().wrong(auth.at(field), "is a string that is not JSON");
      return std::nullopt;
    }
    value = inner.is_null() ? std::nullopt : std::optional(inner);
  }
  if (!value)
    return std::nullopt;
  simdjson::dom::object object;
  if (value->get(object) != simdjson::SUCCESS) {
    auth.verdict().wrong(auth.at(field), "is not an object");
    return std::nullopt;
  }
  empty = object.size() == 0;
  return Secret(sorted_json(*value));
}

std::optional<std::string> read_csrf(ObjectReader& auth) {
  const auto request_auth = auth.value_or_null("requestAuth");
  if (!request_auth)
    return std::nullopt;
  const auto place = auth.at("requestAuth");
  ObjectReader outer(*request_auth, place, auth.verdict());
  const auto csrf = outer.value_or_null("csrf");
  if (!csrf)
    return std::nullopt;
  const auto csrf_place = outer.at("csrf");
  return ObjectReader(*csrf, csrf_place, auth.verdict()).text("tokenEndpointURL");
}

std::optional<Auth> read_auth(ObjectReader& bundle) {
  const auto value = bundle.value_or_null("defaultInstanceAuth");
  if (!value)
    return std::nullopt;
  const auto place = bundle.at("defaultInstanceAuth");
  ObjectReader reader(*value, place, bundle.verdict());
  Auth auth;
  auth.credential = read_credential(reader);
  auth.additional_headers = read_parameters(reader, "additionalHeaders", auth.headers_empty);
  auth.additional_query_parameters = read_parameters(reader, "additionalQueryParams", auth.query_parameters_empty);
  auth.csrf_token_endpoint_url = read_csrf(reader);
  return auth;
}

/// A string as it is; any other value as its JSON, keys sorted: the scalar JSONSchema is both in the field.
std::optional<std::string> read_schema(ObjectReader& bundle) {
  const auto value = bundle.value_or_null("instanceAuthRequestInputSchema");
  if (!value)
    return std::nullopt;
  std::string_view text;
  return value->get(text) == simdjson::SUCCESS ? std::string(text) : sorted_json(*value);
}

/// The first page of a list within an item. Null is an empty list: the schema allows it.
template <class Item, class ReadItem>
void read_nested(ObjectReader& owner, std::string_view field, std::vector<Item>& items,
                 std::vector<UnfinishedList>& unfinished, UnfinishedList list, ReadItem read_item) {
  const auto value = owner.value_or_null(field);
  if (!value)
    return;
  const auto place = owner.at(field);
  read_page(*value, place, owner.verdict(), list.progress, items, read_item);
  if (list.progress.more() && owner.verdict().good()) {
    owner.verdict().keep(sizeof(UnfinishedList));
    unfinished.push_back(std::move(list));
  }
}

/// What the bundles of one Application are read with.
struct BundleReader {
  std::size_t application;
  std::size_t next_bundle;
  std::vector<UnfinishedList>& unfinished;

  Bundle operator()(element value, const Place& place, Verdict& verdict) {
    ObjectReader reader(value, place, verdict);
    Bundle bundle;
    bundle.id = reader.text("id", not_blank);
    bundle.name = reader.text("name");
    bundle.description = reader.text_or_null("description");
    bundle.instance_auth_request_input_schema = read_schema(reader);
    bundle.default_instance_auth = read_auth(reader);
    const auto index = next_bundle++;
    read_nested(reader, "apiDefinitions", bundle.api_definitions, unfinished,
                {UnfinishedList::Kind::api_definitions, application, index, {}}, read_api);
    read_nested(reader, "eventDefinitions", bundle.event_definitions, unfinished,
                {UnfinishedList::Kind::event_definitions, application, index, {}}, read_event);
    return bundle;
  }
};

std::vector<std::string> read_auth_ids(ObjectReader& application) {
  std::vector<std::string> ids;
  if (!application.value_or_null("auths"))
    return ids;
  const auto list = application.list("auths");
  if (!list)
    return ids;
  const auto place = application.at("auths");
  for (const element item : *list) {
    if (!application.verdict().good())
      break;
    const Place item_place{&place, {}, ids.size()};
    ids.push_back(ObjectReader(item, item_place, application.verdict()).text("id", not_blank));
  }
  return ids;
}

} // namespace

void read_applications(element page, const Place& place, Verdict& verdict, PageProgress& progress,
                       std::vector<Application>& applications, std::vector<UnfinishedList>& unfinished) {
  auto index = applications.size();
  read_page(page, place, verdict, progress, applications, [&](element value, const Place& item, Verdict& found) {
    ObjectReader reader(value, item, found);
    Application application;
    application.id = reader.text("id", not_blank);
    application.name = reader.text("name");
    application.provider_name = reader.text_or_null("providerName");
    application.description = reader.text_or_null("description");
    application.auth_ids = read_auth_ids(reader);
    read_nested(reader, "bundles", application.bundles, unfinished, {UnfinishedList::Kind::bundles, index, 0, {}},
                BundleReader{index, 0, unfinished});
    ++index;
    return application;
  });
}

void read_bundles(element page, const Place& place, Verdict& verdict, UnfinishedList& list,
                  std::vector<Application>& applications, std::vector<UnfinishedList>& unfinished) {
  auto& bundles = applications[list.application].bundles;
  read_page(page, place, verdict, list.progress, bundles, BundleReader{list.application, bundles.size(), unfinished});
}

void read_definitions(element page, const Place& place, Verdict& verdict, UnfinishedList& list,
                      std::vector<Application>& applications) {
  auto& bundle = applications[list.application].bundles[list.bundle];
  if (list.kind == UnfinishedList::Kind::api_definitions)
    read_page(page, place, verdict, list.progress, bundle.api_definitions, read_api);
  else
    read_page(page, place, verdict, list.progress, bundle.event_definitions, read_event);
}

RuntimeLabels read_labels(element runtime, const Place& place, Verdict& verdict) {
  RuntimeLabels labels;
  ObjectReader reader(runtime, place, verdict);
  const auto value = reader.value_or_null("labels");
  if (!value)
    return labels;
  simdjson::dom::object object;
  if (value->get(object) != simdjson::SUCCESS) {
    verdict.wrong(reader.at("labels"), "is not an object");
    return labels;
  }
  for (const auto field : object) {
    std::string_view text;
    const bool string = field.value.get(text) == simdjson::SUCCESS;
    labels.values.emplace_back(field.key, string ? std::string(text) : sorted_json(field.value));
    if (field.key == "isNormalized")
      labels.is_normalized = string && text == "true";
  }
  std::stable_sort(labels.values.begin(), labels.values.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  verdict.keep(held_bytes(labels));
  return labels;
}

} // namespace runtime_agent::compass
