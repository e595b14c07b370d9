#include "actors/supervision/log_writer.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace runtime_agent::log {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string gap_line(std::uint64_t lines) {
  return "(" + std::to_string(lines) + " lost)";
}

/// A pipe of the smallest size, and a writer at its end.
class LogWriter : public ::testing::Test {
protected:
  LogWriter() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("no pipe");
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
  }
  ~LogWriter() override {
    close_reader(); // so that no thread hangs
    writer.reset();
    ::close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0)
      ::close(std::exchange(ends[0], -1));
  }
  LineWriter& make(std::size_t limit = LineWriter::default_limit) { return writer.emplace(ends[1], gap_line, limit); }

  /// Reads so many lines; without their end.
  std::vector<std::string> lines(std::size_t count) {
    std::vector<std::string> result;
    while (result.size() < count) {
      const auto end = unread.find('\n');
      if (end != std::string::npos) {
        result.push_back(unread.substr(0, end));
        unread.erase(0, end + 1);
        continue;
      }
      std::array<char, 4096> bytes{};
      pollfd wanted{ends[0], POLLIN, 0};
      if (::poll(&wanted, 1, 10'000) != 1)
        break;
      const auto got = ::read(ends[0], bytes.data(), bytes.size());
      if (got <= 0)
        break;
      unread.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return result;
  }

  std::array<int, 2> ends{-1, -1};
  std::string unread;
  std::optional<LineWriter> writer;
};

TEST_F(LogWriter, WritesLinesInTheirOrder) {
  make();
  for (int i = 0; i < 100; ++i)
    writer->push(std::to_string(i));
  const auto read = lines(100);
  ASSERT_EQ(read.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i)
    EXPECT_EQ(read[i], std::to_string(i));
  EXPECT_TRUE(writer->flush(5s));
  EXPECT_EQ(writer->dropped(), 0u);
}

TEST_F(LogWriter, WhoLogsWaitsForNoReader) {
  make(16'384);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    writer->push(std::string(1000, 'x'));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s); // a write alone would never end
  EXPECT_GT(writer->dropped(), 900u);
  EXPECT_FALSE(writer->flush(10ms));
}

TEST_F(LogWriter, SaysInTheirPlaceHowManyLinesWereDropped) {
  make(10'000);
  const std::string filler(999, 'x');
  const std::string pipeful = std::string(4095, 'p') + '\n';
  ASSERT_EQ(::write(ends[1], pipeful.data(), pipeful.size()), 4096);
  for (int i = 0; i < 30; ++i)
    writer->push(filler);
  EXPECT_EQ(writer->dropped(), 20u);
  EXPECT_EQ(lines(12).back(), gap_line(20)); // told without a further line
  EXPECT_TRUE(writer->flush(5s));
  writer->push("after");
  EXPECT_THAT(lines(1), ElementsAre("after"));
  EXPECT_EQ(writer->dropped(), 20u);
}

TEST_F(LogWriter, TakesALineThatIsLongerThanItsLimit) {
  make(100);
  writer->push(std::string(20'000, 'x'));
  EXPECT_EQ(lines(1).at(0).size(), 20'000u);
  EXPECT_EQ(writer->dropped(), 0u);
}

TEST_F(LogWriter, CountsWhatNobodyCanReadAnyMore) {
  make();
  close_reader();
  writer->push("one");
  writer->push("two");
  EXPECT_TRUE(writer->flush(5s));
  EXPECT_EQ(writer->dropped(), 2u);
}

TEST_F(LogWriter, WaitsWhereAnotherProcessHasMadeTheDescriptorNonBlocking) {
  ::fcntl(ends[1], F_SETFL, ::fcntl(ends[1], F_GETFL) | O_NONBLOCK);
  make();
  for (int i = 0; i < 20; ++i)
    writer->push(std::string(1000, 'x'));
  EXPECT_FALSE(writer->flush(10ms));
  EXPECT_EQ(lines(20).size(), 20u);
  EXPECT_EQ(writer->dropped(), 0u);
}

TEST(LogWriterAlone, CountsLinesForADescriptorThatIsClosed) {
  LineWriter writer(-1, gap_line);
  writer.push("one");
  EXPECT_TRUE(writer.flush(5s));
  EXPECT_EQ(writer.dropped(), 1u);
}

TEST(LogWriterAlone, OnAFullVolumeLinesAreDroppedAndToldOnceThereIsRoom) {
  // A file that may not grow is a volume without room: half of a line is written, then none.
  const auto path = std::filesystem::temp_directory_path() / ("log-writer-" + std::to_string(::getpid()));
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  {
    LineWriter writer(file, gap_line); // its thread gets no SIGXFSZ
    writer.push("first");
    ASSERT_TRUE(writer.flush(5s));
    const rlimit full{10, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
    writer.push("second");
    writer.push("third");
    ASSERT_TRUE(writer.flush(5s));
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(writer.dropped(), 2u);
    writer.push("fourth");
    ASSERT_TRUE(writer.flush(5s));
    EXPECT_EQ(writer.dropped(), 2u);
  }
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(text.str(), "first\nseco\n(2 lost)\nfourth\n");
  ::close(file);
  std::filesystem::remove(path);
}

} // namespace
} // namespace runtime_agent::log
