#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "actors/supervision/supervisor.hpp"
#include "actors/supervision/traced_actor.hpp"

namespace runtime_agent::toys {

/// Do something, in the way that the number says.
struct Task {
  std::uint64_t number = 0;
};

/// It is done, by which incarnation of the Worker.
struct TaskDone {
  std::uint64_t number = 0;
  std::uint64_t incarnation = 0;
};

} // namespace runtime_agent::toys

CAF_BEGIN_TYPE_ID_BLOCK(supervision_test, ::caf::id_block::runtime_agent::end)
CAF_ADD_TYPE_ID(supervision_test, (runtime_agent::toys::Task))
CAF_ADD_TYPE_ID(supervision_test, (runtime_agent::toys::TaskDone))
CAF_END_TYPE_ID_BLOCK(supervision_test)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::toys::Task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::toys::TaskDone)

namespace runtime_agent::toys {

using WorkerActor = caf::typed_actor<caf::reacts_to<Task>>;
using BossActor = caf::typed_actor<caf::reacts_to<TaskDone>>;

/// What happened, over all incarnations.
struct Journal {
  std::vector<std::uint64_t> begun;    ///< numbers of the Tasks that a handler has begun, in order
  std::vector<std::uint64_t> reported; ///< numbers of the TaskDone that the Boss has begun to handle, in order
  std::uint64_t incarnations = 0;      ///< of the Worker
  std::uint64_t calls = 0;             ///< started by the living Worker
  std::uint64_t answers = 0;           ///< that came back to it
  std::uint64_t strays = 0;            ///< answers, timers and events of a predecessor
  std::vector<std::string> events;
};

/// Asked at each step of a toy whether it shall throw there.
using Doom = std::function<bool()>;

/// Does each Task by a call, a timer or at once, and tells the Boss.
class Worker : public supervision::TracedActor<WorkerActor> {
public:
  Worker(caf::actor_config& config, supervision::Environment& environment, BossActor boss,
         std::shared_ptr<Journal> journal, Doom doom)
      : TracedActor(config, environment), boss_(std::move(boss)), journal_(std::move(journal)), doom_(std::move(doom)),
        incarnation_(++journal_->incarnations) {
    journal_->calls = journal_->answers = 0;
  }
  const char* name() const override { return "Worker"; }
  void on_exit() override { boss_ = nullptr; }

  behavior_type make_behavior() override {
    watch<std::string>(
        "news", [](const CancelToken&, const std::function<void(std::string)>&) {},
        [this](const std::string& event) {
          journal_->events.push_back(event);
          perhaps_die();
        });
    return {[this](const Task& task) {
      journal_->begun.push_back(task.number);
      perhaps_die();
      begin(task.number);
    }};
  }

private:
  void begin(std::uint64_t number) {
    using namespace std::chrono_literals;
    const std::uint64_t mine = incarnation_;
    if (number % 3 == 0)
      return tell(boss_, TaskDone{number, incarnation_});
    if (number % 3 == 1) {
      after(std::chrono::milliseconds(number % 7 * 100), "work slowly", supervision::Traced::continues,
            [this, number, mine] { finish(number, mine); });
      return;
    }
    ++journal_->calls;
    call<std::uint64_t>(
        {"work elsewhere", 10s}, [mine](const CallContext&) -> Result<std::uint64_t> { return mine; },
        [this, number](Result<std::uint64_t> asked_by) {
          ++journal_->answers;
          finish(number, asked_by.value_or(incarnation_));
        });
  }
  void finish(std::uint64_t number, std::uint64_t asked_by) {
    journal_->strays += asked_by == incarnation_ ? 0 : 1;
    perhaps_die();
    tell(boss_, TaskDone{number, incarnation_});
  }
  void perhaps_die() {
    if (doom_ && doom_())
      throw std::runtime_error("doom of incarnation " + std::to_string(incarnation_));
  }

  BossActor boss_;
  std::shared_ptr<Journal> journal_;
  Doom doom_;
  const std::uint64_t incarnation_;
};

/// Writes down what is done.
class Boss : public supervision::TracedActor<BossActor> {
public:
  Boss(caf::actor_config& config, supervision::Environment& environment, std::shared_ptr<Journal> journal, Doom doom)
      : TracedActor(config, environment), journal_(std::move(journal)), doom_(std::move(doom)) {}
  const char* name() const override { return "Boss"; }

  behavior_type make_behavior() override {
    return {[this](const TaskDone& report) {
      journal_->reported.push_back(report.number);
      if (doom_ && doom_())
        throw std::runtime_error("doom of the Boss");
    }};
  }

private:
  std::shared_ptr<Journal> journal_;
  Doom doom_;
};

} // namespace runtime_agent::toys
