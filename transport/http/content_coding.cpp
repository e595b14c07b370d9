#include "transport/http/content_coding.hpp"

#include <array>
#include <string>

#include <openssl/crypto.h>
#include <zlib.h>

#include "transport/http/letters.hpp"

namespace runtime_agent::http {
namespace {

bool is_plain(std::string_view coding) {
  return coding.empty() || lower(coding) == "identity";
}

} // namespace

void ContentDecoder::End::operator()(z_stream_s* stream) const noexcept {
  ::inflateEnd(stream);
  delete stream;
}

bool ContentDecoder::knows(std::string_view coding) {
  const auto name = lower(coding);
  return is_plain(coding) || name == "gzip" || name == "x-gzip" || name == "deflate";
}

ContentDecoder::ContentDecoder(std::string_view coding) {
  if (is_plain(coding))
    return;
  constexpr int either_format = 32;
  stream_.reset(new z_stream_s{});
  damaged_ = ::inflateInit2(stream_.get(), MAX_WBITS + either_format) != Z_OK;
}

ContentDecoder::~ContentDecoder() = default;

bool ContentDecoder::put(std::string_view bytes, const std::function<bool(std::string_view)>& take) {
  if (!stream_)
    return take(bytes);
  std::array<char, 16384> room;
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); // NOLINT: zlib's interface; only read
  stream_->avail_in = static_cast<uInt>(bytes.size());
  bool go_on = true;
  do {
    // A second member may follow the first.
    if (whole_ && stream_->avail_in > 0)
      damaged_ = damaged_ || ::inflateReset(stream_.get()) != Z_OK;
    stream_->next_out = reinterpret_cast<Bytef*>(room.data());
    stream_->avail_out = room.size();
    const int result = damaged_ ? Z_DATA_ERROR : ::inflate(stream_.get(), Z_NO_FLUSH);
    const auto size = room.size() - stream_->avail_out;
    whole_ = result == Z_STREAM_END || (whole_ && size == 0 && result == Z_BUF_ERROR);
    damaged_ = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    go_on = !damaged_ && (size == 0 || take({room.data(), size}));
  } while (go_on && (stream_->avail_in > 0 || stream_->avail_out == 0));
  OPENSSL_cleanse(room.data(), room.size());
  return go_on;
}

} // namespace runtime_agent::http
