#include "tests/sandbox/control_server.hpp"

#include <stdexcept>
#include <thread>

#include <httplib.h>

#include "tests/sandbox/compass/datasets.hpp"

namespace runtime_agent::sandbox {
namespace {

using httplib::Request;
using httplib::Response;
using Reader = httplib::ContentReader;
using nlohmann::json;

constexpr std::size_t largest_body = 256u << 20;

constexpr const char* explanation =
    R"(Control port of the Runtime Agent's sandbox: a stand-in for Compass and for a cluster.

GET    /               this text
GET    /environment    the variables that an agent needs, as `export` lines
GET    /dataset        what the Director holds
POST   /dataset        replace it: a dataset as JSON; ?applications=N&bundles=N&apis=N&events=N generates one; ?demo
PUT    /order          of bundles, definitions and auths: {"seed":N} draws another one for each answer; {"seed":null}
                       gives them as the dataset has them
GET    /labels         the Runtime's labels, as the agent has set them
POST   /token          issue a one-time token: {"token"}; ?seconds=N: how long it is good
GET    /tokens         every token, and whether it is spent
POST   /configuration  write the configuration object with a fresh token; a body such as {"token":"wrong","tenant":null}
                       overrides connectorUrl, runtimeId, tenant, token, and null leaves one out
DELETE /configuration  remove it
GET    /faults         the faults in force
POST   /faults         add one, or a list; for Compass {"service":"connector-token"|"connector"|"director",
                       "field":"applicationsForRuntime","action":"http-503","times":3,"skip":0,"when":"before"|"after",
                       "delay":0,"retryAfter":"30","serial":"…" of the certificate that it is for}; for the cluster {"service":"kubernetes","verb":"update",
                       "resource":"secrets","action":"status","status":500,"times":1}
DELETE /faults         remove all, or ?id=N of Compass, and let go on what hangs
POST   /faults/release let go on what hangs
POST   /drop           end the open connections to Compass; ?service=director
GET    /requests       what was asked of Compass and of the cluster; ?clear forgets it afterwards
GET    /certificates   the client certificates that were signed
POST   /revoke         refuse a certificate from now on: {"serial":"…"}; without a body the latest
PUT    /validity       of certificates signed from now on: {"seconds":N}
POST   /shutdown       end the sandbox

Actions for Compass: http-NNN html empty truncated cut errors errors-partial null oversized reset hang delay trickle alert
wrong-key-certificate expired-certificate future-certificate malformed-subject garbage-base64 garbage-certificate
missing-urls empty-urls missing-management-info missing-signing-info missing-token
As the real services refuse: Connector, either URL: invalid-subject consumer-type-not-found empty-400; Director: no-scopes
runtime-not-found tenant-not-found left-scenario empty-400
Actions for the cluster: status hang reset_before reset_after truncated html empty delay
)";

void answer(Response& response, const json& body, int status = 200) {
  response.status = status;
  response.set_content(body.dump(2, ' ', false, json::error_handler_t::replace) + "\n", "application/json");
}

void refuse(Response& response, const std::string& message, int status = 400) {
  answer(response, {{"error", message}}, status);
}

/// A number of the query string, or what stands for it where it is not there or no number.
std::size_t number(const Request& request, const char* name, std::size_t otherwise) {
  const auto text = request.get_param_value(name);
  const bool digits = !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::stoul(text) : otherwise;
}

/// The body, an empty object where there is none; discarded where it is no JSON. Read by hand: the library would wait
/// for the end of the connection where `curl -X POST` names no length.
json body_of(const Request& request, const Reader& reader) {
  std::string body;
  if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding"))
    reader([&body](const char* data, std::size_t size) {
      body.append(data, size);
      return body.size() <= largest_body;
    });
  return body.empty() ? json::object() : json::parse(body, nullptr, false);
}

double seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

} // namespace

struct ControlServer::Endpoints {
  Endpoints(Sandbox& served, std::function<void()> on_shutdown) : sandbox(served), shutdown(std::move(on_shutdown)) {
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(1'000'000);
    server.set_keep_alive_timeout(1);
    server.new_task_queue = [] { return new httplib::ThreadPool(8); };
    server.set_payload_max_length(largest_body);
    server.set_exception_handler([](const Request&, Response& response, std::exception_ptr error) {
      try {
        std::rethrow_exception(std::move(error));
      } catch (const std::exception& exception) {
        refuse(response, exception.what());
      }
    });
    serve_data();
    serve_tokens();
    serve_faults();
    serve_certificates();
    server.Get("/", [](const Request&, Response& response) { response.set_content(explanation, "text/plain"); });
    server.Get("/environment", [this](const Request&, Response& response) {
      response.set_content(export_lines(sandbox.environment()), "text/plain");
    });
    server.Get("/requests", [this](const Request& request, Response& response) { requests(request, response); });
    server.Post("/drop", [this](const Request& request, Response& response, const Reader&) {
      sandbox.compass().drop_connections(request.get_param_value("service"));
      answer(response, json::object());
    });
    server.Post("/shutdown", [this](const Request&, Response& response, const Reader&) {
      answer(response, json::object());
      shutdown();
    });
  }

  void serve_data() {
    server.Get("/dataset",
               [this](const Request&, Response& response) { answer(response, sandbox.compass().dataset()); });
    server.Get("/labels",
               [this](const Request&, Response& response) { answer(response, sandbox.compass().runtime_labels()); });
    server.Put("/order", [this](const Request& request, Response& response, const Reader& reader) {
      const auto body = body_of(request, reader);
      if (!body.is_object() || !body.contains("seed") || !(body["seed"].is_null() || body["seed"].is_number_unsigned()))
        return refuse(response, R"({"seed":N} or {"seed":null} is expected)");
      sandbox.compass().set_order(body["seed"].is_null() ? std::nullopt
                                                         : std::optional(body["seed"].get<std::uint64_t>()));
      answer(response, body);
    });
    server.Post("/dataset", [this](const Request& request, Response& response, const Reader& reader) {
      const auto set = sandbox.compass().set_dataset(requested_dataset(request, reader));
      if (set)
        answer(response, {{"applications", sandbox.compass().dataset()["applications"].size()}});
      else
        refuse(response, set.error());
    });
  }

  static json requested_dataset(const Request& request, const Reader& reader) {
    if (request.has_param("demo"))
      return compass::demonstration();
    if (!request.has_param("applications"))
      return body_of(request, reader);
    compass::GeneratedShape shape;
    shape.bundles = number(request, "bundles", shape.bundles);
    shape.apis = number(request, "apis", shape.apis);
    shape.events = number(request, "events", shape.events);
    return compass::generated_applications(number(request, "applications", 1), shape);
  }

  void serve_tokens() {
    server.Post("/token", [this](const Request& request, Response& response, const Reader&) {
      const auto lifetime = std::chrono::seconds(number(request, "seconds", 3600));
      answer(response, {{"token", sandbox.compass().issue_token("", lifetime)}});
    });
    server.Get("/tokens", [this](const Request&, Response& response) {
      json out = json::array();
      for (const auto& token : sandbox.compass().tokens())
        out.push_back({{"token", token.value},
                       {"runtimeId", token.runtime_id},
                       {"oneTime", token.one_time},
                       {"spent", token.spent},
                       {"expires", seconds(token.expires)}});
      answer(response, out);
    });
    server.Post("/configuration", [this](const Request& request, Response& response, const Reader& reader) {
      const auto overrides = body_of(request, reader);
      if (!overrides.is_object())
        return refuse(response, "a JSON object is expected");
      const auto written = sandbox.write_configuration(overrides);
      return written ? answer(response, json::object()) : refuse(response, written.error(), 502);
    });
    server.Delete("/configuration", [this](const Request&, Response& response, const Reader&) {
      const auto removed = sandbox.remove_configuration();
      return removed ? answer(response, json::object()) : refuse(response, removed.error(), 502);
    });
  }

  void serve_faults() {
    server.Get("/faults", [this](const Request&, Response& response) {
      json out{{"compass", json::array()}};
      for (const auto& fault : sandbox.compass().faults())
        out["compass"].push_back(compass::to_json(fault));
      if (auto* cluster = sandbox.embedded_cluster())
        out["kubernetes"] = cluster->faults();
      answer(response, out);
    });
    server.Post("/faults", [this](const Request& request, Response& response, const Reader& reader) {
      const auto body = body_of(request, reader);
      const auto list = body.is_array() ? body : json::array({body});
      json ids = json::array();
      for (const auto& fault : list) {
        const auto id = add_fault(fault);
        if (!id)
          return refuse(response, id.error());
        ids.push_back(*id);
      }
      answer(response, {{"ids", ids}});
    });
    server.Post("/faults/release", [this](const Request&, Response& response, const Reader&) {
      sandbox.compass().release_hanging();
      answer(response, json::object());
    });
    server.Delete("/faults", [this](const Request& request, Response& response, const Reader&) {
      if (request.has_param("id")) {
        sandbox.compass().remove_fault(static_cast<int>(number(request, "id", 0)));
      } else {
        sandbox.compass().clear_faults();
        if (auto* cluster = sandbox.embedded_cluster())
          cluster->clear_faults();
      }
      answer(response, json::object());
    });
  }

  tl::expected<std::uint64_t, std::string> add_fault(const json& fault) {
    if (fault.is_object() && fault.value("service", "") == "kubernetes") {
      auto* cluster = sandbox.embedded_cluster();
      if (cluster == nullptr)
        return tl::unexpected(std::string("the cluster is not the sandbox's own"));
      return cluster->add_fault(fault);
    }
    auto parsed = compass::fault_from_json(fault);
    if (!parsed)
      return tl::unexpected(parsed.error());
    return static_cast<std::uint64_t>(sandbox.compass().add_fault(std::move(*parsed)));
  }

  void serve_certificates() {
    server.Get("/certificates", [this](const Request&, Response& response) {
      json out = json::array();
      for (const auto& certificate : sandbox.compass().certificates())
        out.push_back({{"serial", certificate.serial},
                       {"runtimeId", certificate.runtime_id},
                       {"notBefore", seconds(certificate.validity.not_before)},
                       {"notAfter", seconds(certificate.validity.not_after)},
                       {"renewal", certificate.over_mutual_tls},
                       {"revoked", certificate.revoked},
                       {"pem", certificate.pem}});
      answer(response, out);
    });
    server.Post("/revoke", [this](const Request& request, Response& response, const Reader& reader) {
      const auto certificates = sandbox.compass().certificates();
      const auto latest = certificates.empty() ? std::string() : certificates.back().serial;
      const auto body = body_of(request, reader);
      const auto serial = body.is_object() ? body.value("serial", latest) : std::string();
      if (!sandbox.compass().revoke(serial))
        return refuse(response, "no certificate with serial \"" + serial + "\" was signed here", 404);
      answer(response, {{"serial", serial}});
    });
    server.Put("/validity", [this](const Request& request, Response& response, const Reader& reader) {
      const auto body = body_of(request, reader);
      if (!body.is_object() || !body.value("seconds", json()).is_number_unsigned())
        return refuse(response, R"({"seconds":N} is expected)");
      sandbox.compass().set_certificate_validity(std::chrono::seconds(body["seconds"].get<long>()));
      answer(response, body);
    });
  }

  void requests(const Request& request, Response& response) {
    json out{{"compass", json::array()}};
    for (const auto& record : sandbox.compass().requests())
      out["compass"].push_back(compass::to_json(record));
    auto* cluster = sandbox.embedded_cluster();
    if (cluster != nullptr)
      out["kubernetes"] = cluster->requests();
    answer(response, out);
    if (!request.has_param("clear"))
      return;
    sandbox.compass().clear_requests();
    if (cluster != nullptr)
      cluster->clear_requests();
  }

  Sandbox& sandbox;
  std::function<void()> shutdown;
  httplib::Server server;
  std::thread acceptor;
};

ControlServer::ControlServer(Sandbox& sandbox, int port, std::function<void()> shutdown)
    : endpoints_(std::make_unique<Endpoints>(sandbox, std::move(shutdown))) {
  auto& server = endpoints_->server;
  port_ = port == 0 ? server.bind_to_any_port("127.0.0.1") : server.bind_to_port("127.0.0.1", port) ? port : -1;
  if (port_ <= 0)
    throw std::runtime_error("control port " + std::to_string(port) + " of 127.0.0.1 cannot be had");
  endpoints_->acceptor = std::thread([&server] { server.listen_after_bind(); });
  // Until it listens, stop() would do nothing.
  while (!server.is_running())
    std::this_thread::yield();
}

ControlServer::~ControlServer() {
  endpoints_->server.stop();
  endpoints_->acceptor.join();
}

} // namespace runtime_agent::sandbox
