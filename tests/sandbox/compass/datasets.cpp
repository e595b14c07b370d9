#include "tests/sandbox/compass/datasets.hpp"

#include <cstdio>

#include <openssl/evp.h>

namespace runtime_agent::sandbox::compass {
namespace {

using Json = nlohmann::json;

/// A UUID in form, from the name alone, so that a second start has the same ids.
std::string id_of(const std::string& name) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(name.data(), name.size(), digest, &size, EVP_sha256(), nullptr);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out.push_back('-');
    out.push_back("0123456789abcdef"[digest[i] >> 4]);
    out.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return out;
}

std::string numbered(const std::string& prefix, std::size_t number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%04zu", number);
  return prefix + "-" + digits;
}

Json definition(const std::string& owner, const std::string& name, const std::string& description) {
  return {{"id", id_of(owner + "/" + name)}, {"name", name}, {"description", description}};
}

Json api(const std::string& owner, const std::string& name, const std::string& url, const std::string& description) {
  auto out = definition(owner, name, description);
  out["targetURL"] = url;
  return out;
}

Json basic(const std::string& username, const std::string& password) {
  return {{"username", username}, {"password", password}};
}

Json oauth(const std::string& client, const std::string& secret, const std::string& url) {
  return {{"clientId", client}, {"clientSecret", secret}, {"url", url}};
}

Json generated_bundle(const std::string& application, std::size_t index, const GeneratedShape& shape) {
  const auto name = numbered("bundle", index + 1);
  const auto owner = application + "/" + name;
  Json bundle{{"id", id_of(owner)},
              {"name", name},
              {"description", "bundle " + std::to_string(index + 1) + " of " + application},
              {"instanceAuthRequestInputSchema", nullptr},
              {"defaultInstanceAuth", nullptr},
              {"apiDefinitions", Json::array()},
              {"eventDefinitions", Json::array()}};
  if (shape.credentials)
    bundle["defaultInstanceAuth"]["credential"] =
        index % 2 == 0 ? basic("user-" + application, "password-" + owner)
                       : oauth("client-" + application, "secret-" + owner, "https://auth.example.com/oauth/token");
  if (shape.parameters) {
    bundle["defaultInstanceAuth"]["additionalHeaders"] = {{"X-Application", {application}}};
    bundle["defaultInstanceAuth"]["additionalQueryParams"] = {{"bundle", {name}}};
  }
  for (std::size_t i = 0; i < shape.apis; ++i)
    bundle["apiDefinitions"].push_back(api(
        owner, numbered("api", i + 1), "https://" + application + ".example.com/" + numbered("api", i + 1), "an API"));
  for (std::size_t i = 0; i < shape.events; ++i)
    bundle["eventDefinitions"].push_back(definition(owner, numbered("events", i + 1), "events"));
  return bundle;
}

Json application(const std::string& name, const std::string& provider, const std::string& description, Json bundles) {
  return {{"id", id_of(name)},
          {"name", name},
          {"providerName", provider},
          {"description", description},
          {"labels", {{"scenarios", {"DEFAULT"}}}},
          {"auths", {{{"id", id_of(name + "/auth")}}}},
          {"bundles", std::move(bundles)}};
}

Json bundle(const std::string& application_name, const std::string& name, const std::string& description, Json auth,
            Json apis, Json events) {
  return {{"id", id_of(application_name + "/" + name)},
          {"name", name},
          {"description", description},
          {"instanceAuthRequestInputSchema", nullptr},
          {"defaultInstanceAuth", std::move(auth)},
          {"apiDefinitions", std::move(apis)},
          {"eventDefinitions", std::move(events)}};
}

Json crm() {
  const std::string name = "crm";
  return application(
      name, "Northwind", "Customers, contacts and opportunities",
      {bundle(
           name, "Customers", "Accounts and contacts",
           {{"credential", oauth("crm-runtime", "0J2kd8s-not-a-secret", "https://login.crm.example.com/oauth/token")}},
           {api(name, "Accounts API", "https://crm.example.com/odata/v4/accounts", "Companies and their addresses"),
            api(name, "Contacts API", "https://crm.example.com/odata/v4/contacts", "People at those companies")},
           {definition(name, "Account Events", "account.created, account.merged")}),
       bundle(name, "Opportunities", "The sales pipeline",
              {{"credential", oauth("crm-sales", "9f1mxq-not-a-secret", "https://login.crm.example.com/oauth/token")}},
              {api(name, "Opportunities API", "https://crm.example.com/odata/v4/opportunities", "Deals and stages")},
              Json::array())});
}

Json shop() {
  const std::string name = "web-shop";
  return application(
      name, "Northwind", "Orders, carts and the catalogue of the web shop",
      {bundle(name, "Orders", "Orders and returns",
              {{"credential", basic("shop-integration", "correct-horse")},
               {"requestAuth", {{"csrf", {{"tokenEndpointURL", "https://shop.example.com/csrf"}}}}}},
              {api(name, "Orders API", "https://shop.example.com/rest/v2/orders", "Orders, lines and returns")},
              {definition(name, "Order Events", "order.created, order.shipped, order.returned")}),
       bundle(name, "Catalogue", "Products and prices",
              {{"credential", nullptr}, {"additionalHeaders", {{"X-Site", {"eu"}}}}},
              {api(name, "Products API", "https://shop.example.com/rest/v2/products", "The public catalogue")},
              Json::array())});
}

Json erp() {
  const std::string name = "ERP (EU)";
  Json finance = api(name, "General Ledger", "https://erp.example.com/sap/opu/odata/gl", "Postings and accounts");
  finance["group"] = "finance";
  finance["version"] = {{"value", "v2"}, {"deprecated", false}, {"deprecatedSince", nullptr}, {"forRemoval", false}};
  return application(
      name, "Contoso", "Finance and materials management",
      {bundle(name, "Finance", "Ledger and invoices",
              {{"credential", basic("COMM_USER", "Welcome-1")},
               {"additionalHeaders", {{"sap-client", {"100"}}}},
               {"additionalQueryParams", {{"sap-language", {"EN"}}}}},
              {std::move(finance)}, {definition(name, "Invoice Events", "invoice.posted, invoice.paid")}),
       bundle(name, "Materials", "Stock and deliveries", {{"credential", basic("COMM_USER_MM", "Welcome-2")}},
              {api(name, "Stock API", "https://erp.example.com/sap/opu/odata/mm", "Stock by plant")}, Json::array())});
}

Json warehouse() {
  const std::string name = "warehouse";
  return application(
      name, "Contoso", "Picking, packing and shipping",
      {bundle(name, "Shipping", "Only events: nothing is called, so there are no credentials", nullptr, Json::array(),
              {definition(name, "Shipment Events", "shipment.picked, shipment.packed, shipment.sent"),
               definition(name, "Stock Events", "stock.low")})});
}

Json people() {
  const std::string name = "people";
  return application(
      name, "Fabrikam", "",
      {bundle(name, "Employees", "Staff, teams and absences",
              {{"credential", oauth("people-reader", "tt7-not-a-secret", "https://people.example.com/token")},
               {"additionalQueryParams", {{"tenant", {"emea"}}, {"fields", {"id", "name", "team"}}}}},
              {api(name, "Employees API", "https://people.example.com/api/employees", "Who works where")},
              {definition(name, "Employee Events", "employee.joined, employee.left")})});
}

Json support() {
  const std::string name = "support-desk";
  auto tickets =
      bundle(name, "Tickets", "Tickets and their conversations", {{"credential", basic("desk-bot", "hunter2")}},
             {api(name, "Tickets API", "https://desk.example.com/api/v3/tickets", "Tickets, comments, attachments")},
             {definition(name, "Ticket Events", "ticket.opened, ticket.escalated, ticket.closed")});
  tickets["instanceAuthRequestInputSchema"] = R"({"type":"object","properties":{"queue":{"type":"string"}}})";
  return application(name, "Fabrikam", "Questions and complaints of customers", {std::move(tickets)});
}

} // namespace

nlohmann::json generated_applications(std::size_t count, const GeneratedShape& shape) {
  Json applications = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = numbered(shape.name_prefix, i + 1);
    Json bundles = Json::array();
    for (std::size_t j = 0; j < shape.bundles; ++j)
      bundles.push_back(generated_bundle(name, j, shape));
    applications.push_back(application(name, "sandbox", "generated", std::move(bundles)));
  }
  return {{"runtime", {{"labels", Json::object()}}}, {"applications", std::move(applications)}};
}

nlohmann::json demonstration() {
  return {{"runtime", {{"labels", Json::object()}}},
          {"applications", Json::array({crm(), shop(), erp(), warehouse(), people(), support()})}};
}

} // namespace runtime_agent::sandbox::compass
