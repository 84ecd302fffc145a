#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "dd/quote_source.hpp"

namespace dd {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

struct Waiter {
  SteadyTime deadline;
  QuoteService::Done done;
};

/// A quote for everybody who asked for the same report data, or one extension of RTMR3.
struct Job {
  ReportData report_data{};
  std::vector<Waiter> waiters;
  std::optional<Digest384> extension;
  std::promise<Result<void>> extended;
};

tl::unexpected<Error> stopped() {
  return fail(ErrorCode::unavailable, "cannot make a quote: the quote service is stopping");
}

}  // namespace

struct QuoteService::Impl {
  Impl(std::unique_ptr<QuoteSource> s, std::size_t limit)
      : source(std::move(s)),
        queue_limit(limit),
        worker([this] { work(); }),
        timekeeper([this] { watch_deadlines(); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  void work();
  void extend(std::unique_lock<std::mutex>& lock);
  void make_quote(std::unique_lock<std::mutex>& lock);
  void watch_deadlines();
  [[nodiscard]] std::vector<Waiter> take_expired(SteadyTime now);
  [[nodiscard]] std::optional<SteadyTime> next_deadline() const;
  [[nodiscard]] Job* shareable(const ReportData& report_data);

  const std::unique_ptr<QuoteSource> source;  // called by the worker only, but for its constant answers
  const std::size_t queue_limit;
  std::mutex mutex;  // guards everything below
  std::condition_variable work_to_do;
  std::condition_variable deadlines_changed;
  std::deque<std::unique_ptr<Job>> queue;
  std::unique_ptr<Job> running;
  bool stopping = false;
  std::thread worker;      // last: they use all of the above
  std::thread timekeeper;  // answers those whose deadline passes while the worker is inside the kernel
};

QuoteService::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  work_to_do.notify_all();
  deadlines_changed.notify_all();
  worker.join();
  timekeeper.join();
}

void QuoteService::Impl::work() {
  std::unique_lock lock(mutex);
  while (true) {
    work_to_do.wait(lock, [this] { return stopping || !queue.empty(); });
    if (queue.empty()) return;
    running = std::move(queue.front());
    queue.pop_front();
    if (running->extension)
      extend(lock);
    else if (!running->waiters.empty())
      make_quote(lock);
    running.reset();
  }
}

void QuoteService::Impl::extend(std::unique_lock<std::mutex>& lock) {
  const bool refuse = stopping;
  lock.unlock();
  auto extended = refuse ? Result<void>(stopped()) : source->extend_rtmr3(*running->extension);
  running->extended.set_value(std::move(extended));
  lock.lock();
}

void QuoteService::Impl::make_quote(std::unique_lock<std::mutex>& lock) {
  const bool refuse = stopping;
  SteadyTime latest{};
  for (const auto& waiter : running->waiters) latest = std::max(latest, waiter.deadline);
  lock.unlock();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(latest - SteadyClock::now());
  const auto quote = refuse ? Result<Quote>(stopped()) : source->quote(running->report_data, left);
  lock.lock();

  auto answered = std::move(running->waiters);
  if (!quote && quote.error().code == ErrorCode::deadline_exceeded) {
    // Who joined later may have more time than the source was given.
    const auto others = std::partition(answered.begin(), answered.end(),
                                       [latest](const Waiter& waiter) { return waiter.deadline <= latest; });
    running->waiters.assign(std::make_move_iterator(others), std::make_move_iterator(answered.end()));
    answered.erase(others, answered.end());
    if (!running->waiters.empty()) queue.push_front(std::move(running));
  }
  running.reset();
  lock.unlock();
  for (auto& waiter : answered) waiter.done(quote);
  lock.lock();
}

void QuoteService::Impl::watch_deadlines() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    const auto next = next_deadline();
    if (next)
      deadlines_changed.wait_until(lock, *next);
    else
      deadlines_changed.wait(lock);
    auto expired = take_expired(SteadyClock::now());
    lock.unlock();
    for (auto& waiter : expired)
      waiter.done(fail(ErrorCode::deadline_exceeded,
                       "cannot make a quote in time: the host, or others in the queue, took too long"));
    lock.lock();
  }
}

std::optional<SteadyTime> QuoteService::Impl::next_deadline() const {
  std::optional<SteadyTime> next;
  const auto look_at = [&next](const Job& job) {
    for (const auto& waiter : job.waiters) next = next ? std::min(*next, waiter.deadline) : waiter.deadline;
  };
  if (running) look_at(*running);
  for (const auto& job : queue) look_at(*job);
  return next;
}

std::vector<Waiter> QuoteService::Impl::take_expired(SteadyTime now) {
  std::vector<Waiter> expired;
  const auto take_from = [&expired, now](Job& job) {
    const auto late = std::partition(job.waiters.begin(), job.waiters.end(),
                                     [now](const Waiter& waiter) { return waiter.deadline > now; });
    std::move(late, job.waiters.end(), std::back_inserter(expired));
    job.waiters.erase(late, job.waiters.end());
  };
  if (running) take_from(*running);
  for (const auto& job : queue) take_from(*job);
  return expired;
}

// A quote from before an extension is not the one that somebody after it asks for: its RTMR3 is older.
Job* QuoteService::Impl::shareable(const ReportData& report_data) {
  for (auto job = queue.rbegin(); job != queue.rend(); ++job) {
    if ((*job)->extension) return nullptr;
    if ((*job)->report_data == report_data) return job->get();
  }
  return running && !running->extension && running->report_data == report_data ? running.get() : nullptr;
}

QuoteService::QuoteService(std::unique_ptr<QuoteSource> source, std::size_t queue_limit)
    : impl_(std::make_unique<Impl>(std::move(source), queue_limit)) {}

QuoteService::~QuoteService() = default;

void QuoteService::request(const ReportData& report_data, std::chrono::milliseconds deadline, Done done) {
  {
    const std::lock_guard lock(impl_->mutex);
    auto* job = impl_->shareable(report_data);
    if (job == nullptr && impl_->queue.size() < impl_->queue_limit) {
      impl_->queue.push_back(std::make_unique<Job>());
      job = impl_->queue.back().get();
      job->report_data = report_data;
      impl_->work_to_do.notify_one();
    }
    if (job != nullptr) {
      job->waiters.push_back({SteadyClock::now() + deadline, std::move(done)});
      impl_->deadlines_changed.notify_one();
      return;
    }
  }
  done(fail(ErrorCode::unavailable,
            "cannot make a quote: " + std::to_string(impl_->queue_limit) + " requests are waiting already"));
}

Result<void> QuoteService::extend_rtmr3(const Digest384& digest) {
  auto job = std::make_unique<Job>();
  job->extension = digest;
  auto extended = job->extended.get_future();
  {
    // No limit here: a log that could not be extended is out of step for good.
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(job));
  }
  impl_->work_to_do.notify_one();
  return extended.get();
}

std::string QuoteService::attestation_type() const { return impl_->source->attestation_type(); }

bool QuoteService::can_extend() const { return impl_->source->can_extend(); }

}  // namespace dd
