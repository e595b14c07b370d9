#include "transport/x509/key.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "transport/x509/openssl.hpp"

namespace runtime_agent::x509 {
namespace {

using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<&EVP_PKEY_CTX_free>>;

Failure key_failure(FailureKind kind, std::string what) {
  return Failure{.kind = kind, .where = "private key", .what = std::move(what)};
}

/// OpenSSL asks between candidates for a prime: 0 ends the search.
int go_on(EVP_PKEY_CTX* context) {
  return static_cast<const CancelToken*>(EVP_PKEY_CTX_get_app_data(context))->cancelled() ? 0 : 1;
}

Result<KeyPtr> generate_rsa(unsigned bits, const CancelToken& cancel) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) != 1)
    return failed(key_failure(FailureKind::internal, "cannot be made: " + take_openssl_error()));
  CancelToken token = cancel;
  EVP_PKEY_CTX_set_app_data(context.get(), &token);
  EVP_PKEY_CTX_set_cb(context.get(), go_on);
  EVP_PKEY* key = nullptr;
  const bool made = EVP_PKEY_keygen(context.get(), &key) == 1;
  if (made)
    return KeyPtr(key);
  const std::string reason = take_openssl_error();
  if (cancel.cancelled())
    return failed(key_failure(FailureKind::cancelled, "its making was cancelled"));
  return failed(key_failure(FailureKind::internal, "cannot be made: " + reason));
}

Result<Secret> to_pkcs1(EVP_PKEY& key) {
  // Memory that is wiped when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PrivateKey_traditional(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed(key_failure(FailureKind::internal, "cannot be written: " + take_openssl_error()));
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

/// A search for prime numbers on a thread of its own, which goes on when nobody waits for it any more: what has been
/// searched through on a slow CPU is not lost with the call that has timed out.
class Search {
public:
  explicit Search(unsigned bits) : bits_(bits), thread_([this] { run(); }) {}
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search() {
    stop_.cancel();
    thread_.join();
  }

  unsigned bits() const noexcept { return bits_; }
  /// The key, for the one who asks first; nothing: cancelled, or it was another's.
  std::optional<Result<Secret>> take(const CancelToken& cancel) {
    const auto waking = cancel.on_cancel([this] {
      std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return found_ || taken_ || cancel.cancelled(); });
    if (!found_ || cancel.cancelled())
      return std::nullopt;
    taken_ = true;
    changed_.notify_all();
    return std::exchange(found_, std::nullopt);
  }
  bool taken() const {
    std::lock_guard lock(mutex_);
    return taken_;
  }

private:
  void run() {
    ERR_clear_error();
    const auto key = generate_rsa(bits_, stop_);
    Result<Secret> text = key ? to_pkcs1(**key) : failed(key.error());
    std::lock_guard lock(mutex_);
    found_ = std::move(text);
    changed_.notify_all();
  }

  const unsigned bits_;
  CancelToken stop_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<Secret>> found_;
  bool taken_ = false;
  std::thread thread_;
};

class RsaKeySource : public KeySource {
public:
  Result<Secret> generate(unsigned bits, const CancelToken& cancel) override {
    while (!cancel.cancelled()) {
      const auto search = search_for(bits);
      if (auto key = search->take(cancel)) {
        forget(search);
        return std::move(*key);
      }
    }
    return failed(key_failure(FailureKind::cancelled, "its making was cancelled"));
  }

private:
  /// The one that is under way, where it is for as many bits.
  std::shared_ptr<Search> search_for(unsigned bits) {
    std::lock_guard lock(mutex_);
    if (!search_ || search_->bits() != bits || search_->taken())
      search_ = std::make_shared<Search>(bits);
    return search_;
  }

  void forget(const std::shared_ptr<Search>& search) {
    std::lock_guard lock(mutex_);
    if (search_ == search)
      search_.reset();
  }

  std::mutex mutex_;
  std::shared_ptr<Search> search_;
};

class FixtureKeySource : public KeySource {
public:
  explicit FixtureKeySource(const std::string& folder) : folder_(folder) {
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable))
      if (entry.path().extension() == ".pem")
        files_.push_back(entry.path());
    std::sort(files_.begin(), files_.end());
  }

  Result<Secret> generate(unsigned, const CancelToken& cancel) override {
    if (cancel.cancelled())
      return failed(key_failure(FailureKind::cancelled, "its making was cancelled"));
    if (files_.empty())
      return failed(key_failure(FailureKind::configuration, "the folder " + folder_ + " holds no *.pem"));
    const auto& path = files_[next_++ % files_.size()];
    std::ifstream file(path, std::ios::binary);
    Secret key(std::string(std::istreambuf_iterator<char>(file), {}));
    if (auto parsed = read_private_key(key, path.string()); !parsed)
      return failed(parsed.error());
    return key;
  }

private:
  std::string folder_;
  std::vector<std::filesystem::path> files_;
  std::atomic<std::size_t> next_ = 0;
};

} // namespace

Result<unsigned> key_bits(std::string_view algorithm) {
  const auto refused = [&](const char* why) {
    return failed(Failure{.kind = FailureKind::malformed,
                          .where = "key algorithm \"" + std::string(algorithm.substr(0, 64)) + "\"",
                          .what = why});
  };
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  if (algorithm.size() < 3 || !std::equal(algorithm.begin(), algorithm.begin() + 3, "rsa", same))
    return refused("is not known; expected rsa and a number of bits, like rsa4096");
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(algorithm.data() + 3, algorithm.data() + algorithm.size(), bits);
  if (end != algorithm.data() + algorithm.size() || (error != std::errc{} && error != std::errc::result_out_of_range))
    return refused("has no number of bits after rsa");
  if (error != std::errc{} || bits > most_key_bits)
    return refused("asks for a key of more than 8192 bits");
  return std::max(bits, least_key_bits);
}

std::shared_ptr<KeySource> make_key_source() {
  return std::make_shared<RsaKeySource>();
}

std::shared_ptr<KeySource> make_fixture_key_source(const std::string& folder) {
  return std::make_shared<FixtureKeySource>(folder);
}

} // namespace runtime_agent::x509
