#include "actors/supervision/trace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace runtime_agent::supervision {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class TraceFileTest : public ::testing::Test {
protected:
  TraceFileTest() {
    std::string pattern = (fs::temp_directory_path() / "trace-file-test-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    path = (folder / "trace").string();
  }
  ~TraceFileTest() override { fs::remove_all(folder); }

  static SpanRecord span(TraceRing& ring, std::uint8_t trace, std::uint64_t id) {
    SpanRecord record;
    record.trace[0] = trace;
    record.trace[15] = 1;
    record.span = id;
    record.started = record.queued = static_cast<std::int64_t>(id) * 1000;
    record.duration = 500;
    record.receiver = ring.intern("Fetcher");
    record.name = ring.intern("Message");
    return record;
  }
  void change(std::size_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }
  std::string refusal() {
    const auto file = read_trace_file(path);
    return file ? "it was read" : file.error().text();
  }

  fs::path folder;
  std::string path;
};

TEST_F(TraceFileTest, HoldsWhatWasRecordedAndByWhom) {
  const auto opened = open_trace(path);
  ASSERT_FALSE(opened.problem) << opened.problem->text();
  opened.ring->record(span(*opened.ring, 1, 7));
  const auto file = read_trace_file(path);
  ASSERT_TRUE(file) << file.error().text();
  ASSERT_EQ(file->spans.size(), 1u);
  EXPECT_EQ(file->spans[0].record.span, 7u);
  EXPECT_EQ(file->spans[0].receiver, "Fetcher");
  EXPECT_EQ(file->process, static_cast<std::uint64_t>(getpid()));
  EXPECT_NE(file->boot, (std::array<std::uint8_t, 16>{}));
  EXPECT_FALSE(file->end);
}

TEST_F(TraceFileTest, IsForItsOwnerOnlyAndHasAllItsRoomOnDisk) {
  const auto opened = open_trace(path);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_GE(status.st_blocks * 512, status.st_size);
}

TEST_F(TraceFileTest, CanBeReadAfterASigkill) {
  const pid_t child = fork();
  if (child == 0) {
    const auto opened = open_trace(path);
    for (std::uint64_t i = 1;; ++i) {
      opened.ring->record(span(*opened.ring, 1, i));
      if (i == 5000)
        raise(SIGKILL);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto file = read_trace_file(path);
  ASSERT_TRUE(file) << file.error().text();
  ASSERT_EQ(file->cycles.size(), 1u);
  EXPECT_EQ(file->spans.size(), 2048u);
  EXPECT_EQ(file->cycles[0].left_out, 5000u - 2048u);
}

TEST_F(TraceFileTest, KeepsTheFileOfTheProcessBefore) {
  {
    const auto first = open_trace(path);
    first.ring->record(span(*first.ring, 1, 7));
  }
  const auto second = open_trace(path);
  EXPECT_EQ(read_trace_file(path)->spans.size(), 0u);
  EXPECT_EQ(read_trace_file(previous_trace_file(path))->spans.size(), 1u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
}

TEST_F(TraceFileTest, TellsHowTheProcessBeforeHasEnded) {
  {
    const auto first = open_trace(path);
    first.ring->say_end(3, "Fetcher has ended 11 times");
    first.ring->say_end(4, "and then something else");
  }
  const auto second = open_trace(path);
  ASSERT_TRUE(second.previous);
  EXPECT_EQ(second.previous->exit_code, 3);
  EXPECT_EQ(second.previous->reason, "Fetcher has ended 11 times");
}

TEST_F(TraceFileTest, ATornRecordIsLeftOut) {
  TraceRing::Settings settings;
  settings.capacity = 4;
  const auto opened = open_trace(path, settings);
  for (std::uint64_t i = 1; i <= 4; ++i)
    opened.ring->record(span(*opened.ring, 1, i));
  const layout::Places places(4, settings.retained_failed + settings.retained_slow, settings.spans_per_retained);
  change(places.cells + sizeof(layout::Cell) + 16, "torn");
  const auto file = read_trace_file(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->spans.size(), 3u);
  EXPECT_EQ(file->cycles.at(0).left_out, 1u);
}

TEST_F(TraceFileTest, AnUnknownVersionIsRefusedWithASentence) {
  open_trace(path);
  change(offsetof(layout::Header, version), std::string("\x07\0\0\0", 4));
  EXPECT_EQ(refusal(), "trace file " + path +
                           ": has version 7, and this program reads version 1; read it with the version of the agent "
                           "that wrote it");
}

TEST_F(TraceFileTest, AnUnknownVersionIsKeptAsThePreviousFile) {
  open_trace(path);
  change(offsetof(layout::Header, version), std::string("\x07\0\0\0", 4));
  const auto opened = open_trace(path);
  EXPECT_FALSE(opened.problem);
  EXPECT_TRUE(read_trace_file(path));
  EXPECT_THAT(read_trace_file(previous_trace_file(path)).error().text(), HasSubstr("has version 7"));
}

TEST_F(TraceFileTest, DamagedFilesAreRefusedWithASentence) {
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  std::ofstream(path) << "hello";
  EXPECT_THAT(refusal(), HasSubstr("is not a trace file"));
  fs::remove(path);
  open_trace(path);
  const auto size = fs::file_size(path);
  fs::resize_file(path, size / 2);
  EXPECT_THAT(refusal(), HasSubstr("shorter than its header says"));
  fs::resize_file(path, size);
  change(offsetof(layout::Header, cells), std::string(8, '\xff'));
  EXPECT_THAT(refusal(), HasSubstr("damaged header"));
}

TEST_F(TraceFileTest, AFileOfAnotherKindIsLeftAlone) {
  std::ofstream(path) << "somebody's letters";
  const auto opened = open_trace(path);
  ASSERT_TRUE(opened.problem);
  EXPECT_THAT(opened.problem->text(), HasSubstr("is not a trace file and is left unchanged"));
  EXPECT_EQ(fs::file_size(path), 18u);
  opened.ring->record(span(*opened.ring, 1, 7));
  EXPECT_EQ(opened.ring->snapshot().size(), 1u);
}

TEST_F(TraceFileTest, ASymbolicLinkIsNotFollowed) {
  const auto target = folder / "target";
  std::ofstream(target) << "RATRACE\n and more";
  fs::create_symlink(target, path);
  EXPECT_TRUE(open_trace(path).problem);
  EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(TraceFileTest, WhereItCannotBeWrittenTheRingLiesInMemory) {
  const auto opened = open_trace((folder / "no" / "such" / "folder").string());
  ASSERT_TRUE(opened.problem);
  EXPECT_THAT(opened.problem->text(), HasSubstr("No such file or directory"));
  EXPECT_EQ(opened.file, "");
  opened.ring->record(span(*opened.ring, 1, 7));
  EXPECT_EQ(opened.ring->snapshot().size(), 1u);
}

TEST_F(TraceFileTest, AFullVolumeIsFoundBeforeItIsWrittenTo) {
  TraceRing::Settings enormous;
  enormous.capacity = std::size_t(1) << 40;
  const auto ring = TraceRing::in_file(path, enormous);
  ASSERT_FALSE(ring);
  EXPECT_THAT(ring.error().text(), HasSubstr("has no space left on its volume"));
  EXPECT_TRUE(fs::is_empty(folder));
}

// -- cycles that are kept longer

class RetentionTest : public TraceFileTest {
protected:
  RetentionTest() {
    settings.capacity = 32;
    settings.retained_failed = 2;
    settings.retained_slow = 2;
    settings.spans_per_retained = 4;
    opened = open_trace(path, settings);
  }
  TraceRing& ring() { return *opened.ring; }
  void record(std::uint8_t trace, std::uint64_t id, SpanOutcome outcome = SpanOutcome::ok, std::uint64_t parent = 0,
              std::chrono::nanoseconds duration = {}) {
    SpanRecord made = span(ring(), trace, id);
    made.outcome = outcome;
    made.parent = parent;
    made.duration += duration.count();
    ring().record(made);
  }
  void push_everything_out() {
    for (std::uint64_t i = 0; i < 2 * settings.capacity; ++i)
      record(200, 10'000 + i);
  }
  std::vector<std::uint64_t> spans_of(const Cycle& cycle) {
    std::vector<std::uint64_t> ids;
    for (const Span& each : cycle.spans)
      ids.push_back(each.record.span);
    return ids;
  }
  std::array<std::uint8_t, 16> trace(std::uint8_t number) {
    std::array<std::uint8_t, 16> id{};
    id[0] = number;
    id[15] = 1;
    return id;
  }

  TraceRing::Settings settings;
  OpenedTrace opened;
};

TEST_F(RetentionTest, FailedAndSlowCyclesOutliveTheRingAndOrdinaryOnesDoNot) {
  record(1, 1);
  record(2, 2, SpanOutcome::failed);
  record(3, 3, SpanOutcome::threw);
  record(4, 4, SpanOutcome::ok, 0, std::chrono::seconds(6));
  ring().retain();
  push_everything_out();
  EXPECT_TRUE(ring().cycle(trace(1)).spans.empty());
  for (const std::uint8_t number : std::array<std::uint8_t, 3>{2, 3, 4}) {
    EXPECT_EQ(ring().cycle(trace(number)).spans.size(), 1u) << int(number);
    EXPECT_TRUE(ring().cycle(trace(number)).retained);
  }
  EXPECT_EQ(read_trace_file(path)->cycles.size(), 4u); // those three, and what has pushed them out
}

TEST_F(RetentionTest, TheOldestFailedCycleGoesFirst) {
  for (std::uint8_t number = 1; number <= 3; ++number) {
    record(number, number, SpanOutcome::failed);
    ring().retain();
  }
  push_everything_out();
  EXPECT_TRUE(ring().cycle(trace(1)).spans.empty());
  EXPECT_FALSE(ring().cycle(trace(2)).spans.empty());
  EXPECT_FALSE(ring().cycle(trace(3)).spans.empty());
}

TEST_F(RetentionTest, ACycleThatGoesOnIsCompleted) {
  record(1, 1);
  record(1, 2, SpanOutcome::failed);
  ring().retain();
  push_everything_out();
  record(1, 3);
  ring().retain();
  push_everything_out();
  EXPECT_EQ(spans_of(ring().cycle(trace(1))), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(ring().cycle(trace(1)).left_out, 0u);
}

TEST_F(RetentionTest, OfALongCycleTheFailureAndWhatLedToItAreKept) {
  record(1, 1);
  for (std::uint64_t id = 2; id <= 20; ++id)
    record(1, id, SpanOutcome::ok, 1);
  record(1, 21, SpanOutcome::failed, 20);
  ring().retain();
  push_everything_out();
  EXPECT_EQ(spans_of(ring().cycle(trace(1))), (std::vector<std::uint64_t>{1, 2, 20, 21}));
  EXPECT_EQ(ring().cycle(trace(1)).left_out, 17u);
}

} // namespace
} // namespace runtime_agent::supervision
