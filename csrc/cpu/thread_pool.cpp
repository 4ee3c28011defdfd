#include "cpu/thread_pool.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace qwen3tts::cpu {
namespace {

constexpr auto spin_time = std::chrono::microseconds(150);
constexpr int pauses_per_clock_read = 32;
constexpr int pauses_before_yield = 1024;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Job {
  void (*run)(const void* context, std::int64_t part);
  const void* context;
  std::int64_t parts;
  int workers;
};

class ThreadPool {
 public:
  // False, with nothing done, if another thread's job is running.
  bool try_run(const Job& job) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (!turn) return false;
    for (; workers_ < job.workers; ++workers_) std::thread(&ThreadPool::work, this, workers_).detach();
    open(job);
    take_parts(job);
    close();
    return true;
  }

 private:
  // A worker may touch the job only between a successful join and its leave. Late sleepers find the job closed and never delay it.
  static constexpr int closed = -(1 << 20);

  void open(const Job& job) {
    job_ = job;
    next_.store(0, std::memory_order_relaxed);
    inside_.fetch_sub(closed, std::memory_order_release);
    epoch_.fetch_add(1);
    if (sleepers_.load() == 0) return;
    { std::lock_guard<std::mutex> lock(sleep_); }  // a worker between its last look at the epoch and its wait holds the mutex
    wake_.notify_all();
  }

  void close() {
    inside_.fetch_add(closed, std::memory_order_acq_rel);
    for (int pauses = 0; inside_.load(std::memory_order_acquire) != closed; ++pauses)
      pauses < pauses_before_yield ? pause() : std::this_thread::yield();
  }

  void take_parts(const Job& job) {
    for (std::int64_t part; (part = next_.fetch_add(1, std::memory_order_relaxed)) < job.parts;) job.run(job.context, part);
  }

  void work(int index) {
    for (std::uint64_t seen = 0;;) {
      seen = next_epoch(seen);
      if (inside_.fetch_add(1, std::memory_order_acquire) >= 0 && index < job_.workers) take_parts(job_);
      inside_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::uint64_t next_epoch(std::uint64_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < pauses_per_clock_read; ++i, pause())
        if (epoch_.load() != seen) return epoch_.load();
    } while (std::chrono::steady_clock::now() < deadline);
    std::unique_lock<std::mutex> lock(sleep_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return epoch_.load() != seen; });
    sleepers_.fetch_sub(1);
    return epoch_.load();
  }

  std::mutex turn_;
  int workers_ = 0;
  Job job_{};
  std::atomic<std::int64_t> next_{0};
  std::atomic<int> inside_{closed};
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<int> sleepers_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
};

// Never destroyed: detached workers may sleep in it until the process ends. A forked child has no workers: it starts its own pool.
std::atomic<ThreadPool*>& shared_pool() {
  static std::atomic<ThreadPool*> pool{[] {
    pthread_atfork(nullptr, nullptr, [] { shared_pool().store(new ThreadPool); });
    return new ThreadPool;
  }()};
  return pool;
}

}  // namespace

void parallel_for(std::int64_t parts, int threads, void (*run)(const void* context, std::int64_t part), const void* context) {
  if (parts > 1 && threads > 1 && shared_pool().load()->try_run({run, context, parts, threads - 1})) return;
  for (std::int64_t part = 0; part < parts; ++part) run(context, part);
}

}  // namespace qwen3tts::cpu
