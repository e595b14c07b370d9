#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "transport/compass/client_cache.hpp"
#include "transport/compass/director_mapping.hpp"
#include "transport/compass/documents.hpp"
#include "transport/compass/refusals.hpp"
#include "transport/http/status.hpp"

namespace runtime_agent::compass {
namespace {

using simdjson::dom::element;

constexpr std::uint32_t most_requests = 100'000; // of one fetch: nothing loops for ever
constexpr int most_readings = 3; // of data that change while they are read, before anybody is told (contract §2.2)

/// The calls that both of the client's functions make.
graphql::Call director_call(const ClientSettings& settings, const DirectorAccess& access,
                            const graphql::Document& document, std::string where) {
  graphql::Call call{.document = document, .where = std::move(where)};
  call.headers = {{"Tenant", access.tenant}};
  call.timeout = settings.request_timeout;
  call.most_response_bytes = settings.most_response_bytes;
  call.logger = &settings.call_logger;
  call.judge = blame_of_director;
  return call;
}

/// Names what of the configuration the answer shows to be wrong.
Failure naming_the_key(Failure failure, const DirectorAccess& access) {
  if (failure.blame == Blame::tenant)
    failure.next = fmt::format("is TENANT {} right?", http::excerpt(access.tenant, 80));
  else if (failure.blame == Blame::runtime)
    failure.next = fmt::format("is RUNTIME_ID {} right?", http::excerpt(access.runtime_id, 80));
  return failure;
}

/// One fetch: asks for page after page until every list of every level is complete.
class Fetch {
public:
  Fetch(const ClientSettings& settings, graphql::Endpoint endpoint, const DirectorAccess& access,
        const CallContext& context)
      : settings_(settings), endpoint_(std::move(endpoint)), access_(access), context_(context),
        parser_(settings.most_response_bytes), page_size_(std::clamp<std::size_t>(settings.page_size, 1, 200)),
        verdict_(settings.fetch.most_bytes) {}

  Result<RuntimeDataPtr> run();

private:
  using Step = Result<void>;
  Step read_all();
  void start_over();
  Step read_runtime();
  Step read_applications_page(PageProgress& progress);
  Step finish(UnfinishedList list);
  Step read_further_page(UnfinishedList& list);
  /// Asks, again with smaller pages where the answer is too large, and has `read` take in the answer's data.
  template <class Read>
  Step ask(const graphql::Document& document, const std::string& where, nlohmann::json variables, bool paged,
           Read read);
  Step check_received(std::uint64_t bytes);
  Step check_applications(const PageProgress& progress) const;
  Failure placed(Failure failure, const std::string& where) const;

  const ClientSettings& settings_;
  const graphql::Endpoint endpoint_;
  const DirectorAccess& access_;
  const CallContext& context_;
  graphql::Parser parser_;
  std::size_t page_size_;
  Verdict verdict_;
  std::uint64_t received_ = 0; ///< bytes of this reading
  bool changed_ = false;       ///< what failed may go well when everything is read again
  std::shared_ptr<RuntimeData> data_ = std::make_shared<RuntimeData>();
  std::vector<UnfinishedList> unfinished_;
};

Result<RuntimeDataPtr> Fetch::run() {
  auto done = read_all();
  for (int readings = 1; !done && changed_ && readings < most_readings; ++readings) {
    start_over();
    done = read_all();
  }
  if (!done)
    return failed(std::move(done.error()));
  return data_;
}

/// Nothing of what was read is kept; what it cost counts.
void Fetch::start_over() {
  auto data = std::make_shared<RuntimeData>();
  data->requests = data_->requests;
  data->bytes = data_->bytes;
  data_ = std::move(data);
  verdict_ = Verdict(settings_.fetch.most_bytes);
  received_ = 0;
  unfinished_.clear();
  changed_ = false;
}

Fetch::Step Fetch::read_all() {
  if (auto done = read_runtime(); !done)
    return done;
  PageProgress progress;
  while (progress.more()) {
    if (auto done = read_applications_page(progress); !done)
      return done;
    while (!unfinished_.empty()) {
      auto list = std::move(unfinished_.back());
      unfinished_.pop_back();
      if (auto done = finish(std::move(list)); !done)
        return done;
    }
  }
  return {};
}

template <class Read>
Fetch::Step Fetch::ask(const graphql::Document& document, const std::string& where, nlohmann::json variables,
                       bool paged, Read read) {
  auto call = director_call(settings_, access_, document, where);
  for (;;) {
    if (paged)
      variables["first"] = page_size_;
    if (variables.contains("nested"))
      variables["nested"] = page_size_;
    call.variables = variables;
    if (++data_->requests > most_requests)
      return failed(placed({.kind = FailureKind::malformed, .what = "the pages do not end"}, where));
    const auto answer = graphql::execute(endpoint_, call, context_, parser_);
    if (!answer && answer.error().kind == FailureKind::too_large && paged && page_size_ > 1) {
      page_size_ = std::max<std::size_t>(page_size_ / 4, 1);
      continue;
    }
    if (!answer) {
      // A further page that is refused where the first was not: the Application has left the Runtime's formation (code
      // 27) or is gone, or the cursor no longer fits (contract §2.2).
      const auto kind = answer.error().kind;
      changed_ = variables.contains("after") && (kind == FailureKind::refused || kind == FailureKind::not_found);
      return failed(naming_the_key(answer.error(), access_));
    }
    if (auto done = check_received(answer->bytes); !done)
      return failed(placed(std::move(done.error()), where));
    if (auto done = read(answer->data); !done)
      return failed(placed(std::move(done.error()), where));
    if (verdict_.good())
      return {};
    changed_ = verdict_.failure()->kind == FailureKind::conflict;
    return failed(placed(*verdict_.failure(), where));
  }
}

Fetch::Step Fetch::check_received(std::uint64_t bytes) {
  data_->bytes += bytes;
  received_ += bytes;
  if (received_ <= settings_.fetch.most_bytes)
    return {};
  return failed(over_a_bound_of_the_fetch(fmt::format(
      "{} bytes have come, more than the limit of {} (APP_FETCH_MAX_SIZE)", received_, settings_.fetch.most_bytes)));
}

/// By what the Director says that there are, as soon as it has said so.
Fetch::Step Fetch::check_applications(const PageProgress& progress) const {
  const auto most = settings_.fetch.most_applications;
  const auto applications = std::max<std::uint64_t>(progress.total(), data_->applications.size());
  if (applications <= most)
    return {};
  return failed(over_a_bound_of_the_fetch(fmt::format(
      "this Runtime has {} Applications, more than the limit of {} (APP_FETCH_MAX_APPLICATIONS)", applications, most)));
}

Failure Fetch::placed(Failure failure, const std::string& where) const {
  failure.where = fmt::format("{}, {}", where, endpoint_.url.origin());
  failure.request_id = context_.request_id;
  return failure;
}

Fetch::Step Fetch::read_runtime() {
  return ask(documents::runtime, "Director, Runtime", {{"id", access_.runtime_id}}, false, [&](element data) -> Step {
    const Place root;
    const ObjectReader answer(data, root, verdict_);
    const auto runtime = answer.value_or_null("runtime");
    if (!runtime)
      return failed({.kind = FailureKind::not_found,
                     .what = fmt::format("there is no Runtime {}", http::excerpt(access_.runtime_id, 80)),
                     .next = "is RUNTIME_ID right?"});
    data_->labels = read_labels(*runtime, answer.at("runtime"), verdict_);
    return {};
  });
}

Fetch::Step Fetch::read_applications_page(PageProgress& progress) {
  nlohmann::json variables{{"runtimeID", access_.runtime_id}, {"nested", page_size_}};
  if (progress.pages() > 0)
    variables["after"] = progress.cursor();
  const auto where = fmt::format("Director, Applications page {}", progress.pages() + 1);
  return ask(documents::applications_for_runtime, where, std::move(variables), true, [&](element data) -> Step {
    const Place root;
    ObjectReader answer(data, root, verdict_);
    if (const auto page = answer.value("applicationsForRuntime"))
      read_applications(*page, answer.at("applicationsForRuntime"), verdict_, progress, data_->applications,
                        unfinished_);
    return check_applications(progress);
  });
}

Fetch::Step Fetch::finish(UnfinishedList list) {
  while (list.progress.more())
    if (auto done = read_further_page(list); !done)
      return done;
  return {};
}

/// The page of a list within an Application or a bundle, wherever the answer has it: application → bundles, or
/// application → bundle → definitions.
Fetch::Step Fetch::read_further_page(UnfinishedList& list) {
  using Kind = UnfinishedList::Kind;
  const auto& application = data_->applications[list.application];
  const bool of_bundle = list.kind != Kind::bundles;
  nlohmann::json variables{{"application", application.id}, {"after", list.progress.cursor()}};
  if (of_bundle)
    variables["bundle"] = application.bundles[list.bundle].id;
  else
    variables["nested"] = page_size_;
  const std::string_view field =
      !of_bundle ? "bundles" : (list.kind == Kind::api_definitions ? "apiDefinitions" : "eventDefinitions");
  const auto& document = !of_bundle                           ? documents::bundles_of_application
                         : list.kind == Kind::api_definitions ? documents::api_definitions_of_bundle
                                                              : documents::event_definitions_of_bundle;
  const auto where = fmt::format("Director, {} of Application {}, page {}", field, http::excerpt(application.id, 80),
                                 list.progress.pages() + 1);
  return ask(document, where, std::move(variables), true, [&](element data) -> Step {
    const Place root;
    const ObjectReader answer(data, root, verdict_);
    const auto application_place = answer.at("application");
    const auto found = answer.value_or_null("application");
    if (!found) {
      verdict_.changed(application_place, "it is gone");
      return {};
    }
    ObjectReader owner(*found, application_place, verdict_);
    if (!of_bundle) {
      if (const auto page = owner.value(field))
        read_bundles(*page, owner.at(field), verdict_, list, data_->applications, unfinished_);
      return {};
    }
    const auto bundle_place = owner.at("bundle");
    const auto bundle = owner.value_or_null("bundle");
    if (!bundle) {
      verdict_.changed(bundle_place, "it is gone");
      return {};
    }
    ObjectReader bundle_reader(*bundle, bundle_place, verdict_);
    if (const auto page = bundle_reader.value(field))
      read_definitions(*page, bundle_reader.at(field), verdict_, list, data_->applications);
    return {};
  });
}

class HttpDirectorClient final : public DirectorClient {
public:
  explicit HttpDirectorClient(ClientSettings settings) : clients_(std::move(settings), "director") {}

  Result<RuntimeDataPtr> fetch(const DirectorAccess& access, const CallContext& context) override {
    auto endpoint = clients_.endpoint(access.url, access.identity, "Director");
    if (!endpoint)
      return failed(std::move(endpoint.error()));
    return Fetch(clients_.settings(), std::move(*endpoint), access, context).run();
  }

  Result<void> set_runtime_label(const DirectorAccess& access, const std::string& key, const std::string& value,
                                 const CallContext& context) override {
    const auto endpoint = clients_.endpoint(access.url, access.identity, "Director");
    if (!endpoint)
      return failed(endpoint.error());
    auto call = director_call(clients_.settings(), access, documents::set_runtime_label,
                              fmt::format("Director, label {} of the Runtime", key));
    call.variables = {{"runtimeID", access.runtime_id}, {"key", key}, {"value", value}};
    graphql::Parser parser(clients_.settings().most_response_bytes);
    const auto answer = graphql::execute(*endpoint, call, context, parser);
    if (!answer)
      return failed(naming_the_key(answer.error(), access));
    if (element label; answer->data["setRuntimeLabel"].get(label) != simdjson::SUCCESS || !label.is_object())
      return failed({.kind = FailureKind::malformed,
                     .where = fmt::format("{}, {}", call.where, endpoint->url.origin()),
                     .what = "setRuntimeLabel is not an object",
                     .maybe_processed = true,
                     .request_id = context.request_id});
    return {};
  }

  void drop_idle_connections() override { clients_.drop_idle_connections(); }

private:
  ClientCache clients_;
};

} // namespace

std::shared_ptr<DirectorClient> make_director_client(ClientSettings settings) {
  return std::make_shared<HttpDirectorClient>(std::move(settings));
}

} // namespace runtime_agent::compass
