#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

/// The least that writing so many objects costs: bodies that are ready, keep-alive connections, answers that nobody
/// reads. What the agent's writing is measured against.
///
/// usage: bench_raw_writer HOST PORT CA_FILE TOKEN_FILE OBJECTS CONNECTIONS
/// OBJECTS holds an Application a line: [[path, body], …], sent one after another over one connection.
/// Prints {"seconds", "requests", "failures"}.
namespace {

struct Request {
  std::string path;
  std::string body;
};
using Group = std::vector<Request>;

std::vector<Group> read_groups(const char* file) {
  std::vector<Group> groups;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    Group group;
    for (const auto& entry : nlohmann::json::parse(line))
      group.push_back({entry[0].get<std::string>(), entry[1].get<std::string>()});
    groups.push_back(std::move(group));
  }
  return groups;
}

std::string first_line(const char* file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "usage: bench_raw_writer HOST PORT CA_FILE TOKEN_FILE OBJECTS CONNECTIONS\n";
    return 2;
  }
  const auto groups = read_groups(argv[5]);
  const auto token = first_line(argv[4]);
  const auto connections = static_cast<std::size_t>(std::strtoul(argv[6], nullptr, 10));
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> requests{0};
  std::atomic<std::size_t> failures{0};
  const auto write = [&] {
    httplib::SSLClient client(argv[1], std::atoi(argv[2]));
    client.set_ca_cert_path(argv[3]);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_read_timeout(60, 0);
    client.set_default_headers({{"Authorization", "Bearer " + token}, {"Accept", "application/json"}});
    for (std::size_t i = next++; i < groups.size(); i = next++)
      for (const auto& request : groups[i]) {
        const auto result = client.Post(request.path, request.body, "application/json");
        ++requests;
        if (!result || result->status != 201)
          ++failures;
      }
  };
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < connections; ++i)
    threads.emplace_back(write);
  for (auto& thread : threads)
    thread.join();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  std::cout << nlohmann::json{{"seconds", taken.count()}, {"requests", requests.load()}, {"failures", failures.load()}}
            << "\n";
  return failures == 0 ? 0 : 1;
}
