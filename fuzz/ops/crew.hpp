// Threads of this process that take turns: one calls, the others wait, so that the order of all calls is the program's and
// the same each time, while what a malloc keeps for each thread is at work.
//   turn_ == 0: the caller's own thread;  turn_ == n: member n, which is serving or ending
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <type_traits>

namespace trestle::ops {

class Crew {
 public:
  static constexpr std::size_t kThreads = 4;
  // Which thread an op means by a number.
  [[nodiscard]] static constexpr std::size_t index_of(std::size_t thread) noexcept { return thread % kThreads; }

  Crew() {
    if (pthread_key_create(&at_end_, outlive) != 0) std::abort();
    for (Member& member : members_) {
      sem_init(&member.turn, 0, 0);
      sem_init(&member.done, 0, 0);
      member.at_end = at_end_;
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // What call() gives, called on the thread whose turn it is. It must not throw.
  template <class Call>
  auto perform(const Call& call) {
    using Result = decltype(call());
    if (turn_ == 0) return call();
    struct Order {
      const Call& call;
      Result result;
    } order{call, {}};
    hand_turn(
        members_[turn_], [](void* at) { static_cast<Order*>(at)->result = static_cast<Order*>(at)->call(); }, &order);
    return order.result;
  }

  // That thread's turn from now on; it begins where it is not there, and one that is ending is gone by then. False: it cannot
  // begin.
  [[nodiscard]] bool run_on(std::size_t thread) {
    if (turn_ != 0 && members_[turn_].state == State::ending) let_go(members_[turn_]);
    turn_ = 0;
    Member& next = members_[index_of(thread)];
    if (index_of(thread) != 0 && next.state == State::none && !begin(next)) return false;
    turn_ = index_of(thread);
    return true;
  }
  // The thread ends, but for its last destructor, in which it keeps its turn. The caller's own thread does not.
  void end_thread() {
    if (turn_ != 0 && members_[turn_].state == State::serving) end(members_[turn_]);
  }
  // All of them end.
  void leave() {
    turn_ = 0;
    for (Member& member : members_) {
      if (member.state == State::serving) end(member);
      if (member.state == State::ending) let_go(member);
    }
  }

 private:
  enum class State { none, serving, ending };
  struct Member {
    pthread_t thread{};
    pthread_key_t at_end{};
    sem_t turn;                     // posted by whoever hands the turn to it
    sem_t done;                     // posted by it, when it has done what there was to do
    void (*call)(void*) = nullptr;  // null: to go on to its end
    void* argument = nullptr;
    std::size_t rounds = 0;  // of destructors that it has seen
    State state = State::none;
  };

  static void wait_for(sem_t& event) {
    while (sem_wait(&event) != 0) {
    }
  }
  static void hand_turn(Member& member, void (*call)(void*), void* argument) {
    member.call = call;
    member.argument = argument;
    sem_post(&member.turn);
    wait_for(member.done);
  }
  static bool begin(Member& member) {
    member.rounds = 0;
    if (pthread_create(&member.thread, nullptr, live, &member) != 0) return false;
    member.state = State::serving;
    return true;
  }
  static void end(Member& member) {
    hand_turn(member, nullptr, nullptr);
    member.state = State::ending;
  }
  static void let_go(Member& member) {
    member.call = nullptr;
    sem_post(&member.turn);
    pthread_join(member.thread, nullptr);
    member.state = State::none;
  }

  static void serve(Member& self) {
    for (;;) {
      wait_for(self.turn);
      if (self.call == nullptr) return;
      self.call(self.argument);
      sem_post(&self.done);
    }
  }
  static void* live(void* self) {
    Member& member = *static_cast<Member*>(self);
    serve(member);
    pthread_setspecific(member.at_end, self);
    return nullptr;
  }
  // A thread's destructors run in rounds. It serves on in the second one, when those of the malloc have run once, whichever
  // key was made first.
  static void outlive(void* self) {
    Member& member = *static_cast<Member*>(self);
    if (member.rounds++ == 0) {
      pthread_setspecific(member.at_end, self);
      return;
    }
    sem_post(&member.done);
    serve(member);
  }

  std::array<Member, kThreads> members_;  // the first is never used: it stands for the caller's own thread
  pthread_key_t at_end_{};
  std::size_t turn_ = 0;
};

}  // namespace trestle::ops
