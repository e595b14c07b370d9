#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace runtime_agent::vectors {

/// What a golden says of PEM text: the types of its blocks; of a certificate the first one's subject, as
/// "subject=CN=…,O=…"; of a private key its bits. Where it is no PEM: a text that says so.
nlohmann::ordered_json pem_summary(const std::string& pem);

} // namespace runtime_agent::vectors
