#include "transport/http/trust_store.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <fmt/format.h>

#include "transport/x509/openssl.hpp"

namespace runtime_agent::http {
namespace {

struct FreeStore {
  void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
};
struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

/// While a CA is replaced a bundle holds two certificates of one subject. Without key identifiers OpenSSL takes the
/// first of them and fails at its signature; as Go does, the one that has signed is looked for.
int find_issuer(X509** issuer, X509_STORE_CTX* verification, X509* certificate) {
  STACK_OF(X509)* candidates = X509_STORE_CTX_get1_certs(verification, X509_get_issuer_name(certificate));
  const int number = candidates == nullptr ? 0 : sk_X509_num(candidates);
  X509* found = nullptr;
  // With one alone OpenSSL's own rule decides, without a signature being verified twice.
  for (int i = 0; number > 1 && found == nullptr && i < number; ++i) {
    X509* candidate = sk_X509_value(candidates, i);
    EVP_PKEY* key = X509_get0_pubkey(candidate);
    const bool is_current =
        X509_cmp_timeframe(nullptr, X509_get0_notBefore(candidate), X509_get0_notAfter(candidate)) == 0;
    if (key != nullptr && is_current && X509_verify(certificate, key) == 1 && X509_up_ref(candidate) == 1)
      found = candidate;
  }
  sk_X509_pop_free(candidates, X509_free);
  ERR_clear_error();
  if (found == nullptr)
    return X509_STORE_CTX_get1_issuer(issuer, verification, certificate);
  *issuer = found;
  return 1;
}

std::shared_ptr<X509_STORE> make_store() {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), FreeStore{});
  X509_STORE_set_get_issuer(store.get(), find_issuer);
  return store;
}

bool is_empty(X509_STORE* store) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) == 0;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): never set by us
  return value == nullptr ? "" : value;
}

/// At most this many characters of what was left out: a directory may be full of other files.
constexpr std::size_t most_left_out = 600;

/// Reads PEM files into one store, block by block.
class Reader {
public:
  explicit Reader(TrustStore& trust) : trust_(trust) {}

  /// `source` names the file as the operator gave it: "SSL_CERT_FILE=/etc/ca.pem".
  void file(const std::string& path, const std::string& source) {
    errno = 0;
    const std::unique_ptr<BIO, FreeBio> input(BIO_new_file(path.c_str(), "r"));
    if (!input)
      return leave_out(
          fmt::format("{} cannot be read: {}", source, std::strerror(errno))); // NOLINT(concurrency-mt-unsafe)
    std::size_t blocks = 0;
    std::size_t used = 0;
    for (auto block = next(input.get()); block != Block::none; block = next(input.get())) {
      ++blocks;
      if (block == Block::certificate)
        ++used;
      else
        leave_out(fmt::format("block {} of {} is no certificate that can be read", blocks, source));
    }
    if (blocks == 0)
      leave_out(fmt::format("{} holds no certificate in PEM", source));
    ERR_clear_error();
  }

  /// As mounted in pods: plain file names, where OpenSSL expects names that are hashes.
  void directories(std::string_view paths) {
    while (!paths.empty()) {
      const auto end = std::min(paths.find(':'), paths.size());
      const std::string path(paths.substr(0, end));
      std::error_code error;
      for (const auto& entry : std::filesystem::directory_iterator(path, error))
        if (entry.is_regular_file(error))
          file(entry.path(), entry.path());
      if (!path.empty() && !std::filesystem::is_directory(path, error))
        leave_out(fmt::format("SSL_CERT_DIR={} is no directory that can be read", path));
      paths.remove_prefix(std::min(end + 1, paths.size()));
    }
  }

private:
  enum class Block { none, certificate, broken };

  Block next(BIO* input) {
    ERR_clear_error();
    X509* read = PEM_read_bio_X509_AUX(input, nullptr, nullptr, nullptr);
    if (read == nullptr)
      return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? Block::none : Block::broken;
    const int added = X509_STORE_add_cert(trust_.store.get(), read);
    X509_free(read);
    return added == 1 ? Block::certificate : Block::broken;
  }

  void leave_out(const std::string& what) {
    if (trust_.left_out.size() + what.size() > most_left_out)
      return;
    trust_.left_out += (trust_.left_out.empty() ? "" : "; ") + what;
  }

  TrustStore& trust_;
};

/// Where distributions keep their bundle: OpenSSL knows only the one it was built for, an image may have another.
std::array<const char*, 5> bundles() {
  return {X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
          "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
}

void add_bundle(Reader& reader, X509_STORE* store) {
  for (const char* file : bundles())
    if (is_empty(store) && std::filesystem::exists(file))
      reader.file(file, file);
}

/// Changes when one of the files does: their names, sizes and times.
std::size_t fingerprint(const std::string& file, const std::string& directories) {
  std::string text = file + "\n" + directories + "\n";
  const auto add = [&text](const std::filesystem::path& path) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(path, error);
    const auto size = std::filesystem::file_size(path, error);
    text += fmt::format("{} {} {}\n", path.string(), time.time_since_epoch().count(), size);
  };
  if (!file.empty())
    add(file);
  if (file.empty() && directories.empty())
    for (const char* bundle : bundles())
      add(bundle);
  for (std::string_view rest = directories; !rest.empty();) {
    const auto end = std::min(rest.find(':'), rest.size());
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(rest.substr(0, end)), error))
      add(entry.path());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::hash<std::string>()(text) | 1U; // never 0
}

tl::unexpected<Failure> nothing_to_believe(const std::string& left_out) {
  return failed(
      {.kind = FailureKind::configuration,
       .what = left_out.empty() ? "no CA certificates are found" : "no CA certificates are found: " + left_out,
       .next = "set SSL_CERT_FILE to a file that holds some"});
}

} // namespace

Result<TrustStore> system_trust() {
  static std::mutex mutex;
  static std::weak_ptr<X509_STORE> present;
  static std::string present_left_out;
  static std::size_t present_fingerprint = 0;
  const auto file = environment("SSL_CERT_FILE");
  const auto directories = environment("SSL_CERT_DIR");
  std::lock_guard lock(mutex);
  const auto now = fingerprint(file, directories);
  if (auto store = present.lock(); store && present_fingerprint == now)
    return TrustStore{store, present_left_out, now};
  TrustStore trust{make_store(), {}, now};
  Reader reader(trust);
  if (!file.empty())
    reader.file(file, "SSL_CERT_FILE=" + file);
  reader.directories(directories);
  if (directories.empty())
    X509_LOOKUP_add_dir(X509_STORE_add_lookup(trust.store.get(), X509_LOOKUP_hash_dir()), X509_get_default_cert_dir(),
                        X509_FILETYPE_PEM);
  if (file.empty() && directories.empty())
    add_bundle(reader, trust.store.get());
  ERR_clear_error();
  if (is_empty(trust.store.get()))
    return nothing_to_believe(trust.left_out);
  present = trust.store;
  present_left_out = trust.left_out;
  present_fingerprint = now;
  return trust;
}

bool has_changed(const TrustStore& trust) {
  return trust.fingerprint != 0 &&
         trust.fingerprint != fingerprint(environment("SSL_CERT_FILE"), environment("SSL_CERT_DIR"));
}

Result<TrustStore> trust_in(const std::string& pem) {
  const auto certificates = x509::read_certificates(pem, "the CA certificates to trust:");
  if (!certificates) {
    ERR_clear_error();
    const auto& problem = certificates.error();
    return failed({.kind = FailureKind::configuration, .what = fmt::format("{} {}", problem.where, problem.what)});
  }
  TrustStore trust{make_store()};
  for (const auto& certificate : *certificates)
    X509_STORE_add_cert(trust.store.get(), certificate.get());
  return trust;
}

} // namespace runtime_agent::http
