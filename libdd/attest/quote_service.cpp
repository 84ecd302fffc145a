#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "dd/quote_source.hpp"

namespace dd {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Waiter {
  SteadyTime deadline;
  QuoteService::Done done;
};

/// Equal report data shares one quote; waiters that join while it is made get it too.
struct Job {
  ReportData report_data{};
  std::vector<Waiter> waiters;
};

std::chrono::milliseconds left_until(SteadyTime deadline) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
}

}  // namespace

struct QuoteService::Impl {
  Impl(std::unique_ptr<QuoteSource> s, std::size_t limit) : source(std::move(s)), queue_limit(limit), worker([this] { work(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    worker.join();
  }

  void work();
  void answer(std::unique_lock<std::mutex>& lock, Job job);

  const std::unique_ptr<QuoteSource> source;
  const std::size_t queue_limit;
  std::mutex mutex;         // guards everything below
  std::mutex source_mutex;  // held while the source works: quotes and extensions never overlap
  std::condition_variable wake;
  std::deque<Job> queue;
  bool stopping = false;
  std::thread worker;  // last: it uses all of the above
};

void QuoteService::Impl::work() {
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [this] { return stopping || !queue.empty(); });
    if (queue.empty()) return;
    Job job = std::move(queue.front());
    queue.pop_front();
    answer(lock, std::move(job));
  }
}

void QuoteService::Impl::answer(std::unique_lock<std::mutex>& lock, Job job) {
  const bool refuse = stopping;
  SteadyTime latest{};
  for (const auto& waiter : job.waiters) latest = std::max(latest, waiter.deadline);
  lock.unlock();
  Result<Quote> quote = fail(ErrorCode::unavailable, "cannot make a quote: the quote service is stopping");
  if (!refuse) {
    const auto left = left_until(latest);
    quote = fail(ErrorCode::deadline_exceeded, "cannot make a quote: others were before it until its deadline");
    if (left.count() > 0) {
      const std::lock_guard working(source_mutex);
      quote = source->quote(job.report_data, left);
    }
  }
  for (auto& waiter : job.waiters) {
    if (left_until(waiter.deadline).count() < 0 && quote)
      waiter.done(fail(ErrorCode::deadline_exceeded, "cannot make a quote in time"));
    else
      waiter.done(quote);
  }
  lock.lock();
}

QuoteService::QuoteService(std::unique_ptr<QuoteSource> source, std::size_t queue_limit) : impl_(std::make_unique<Impl>(std::move(source), queue_limit)) {}

QuoteService::~QuoteService() = default;

void QuoteService::request(const ReportData& report_data, std::chrono::milliseconds deadline, Done done) {
  Waiter waiter{std::chrono::steady_clock::now() + deadline, std::move(done)};
  {
    const std::lock_guard lock(impl_->mutex);
    for (auto& job : impl_->queue) {
      if (job.report_data != report_data) continue;
      job.waiters.push_back(std::move(waiter));
      return;
    }
    if (impl_->queue.size() < impl_->queue_limit && !impl_->stopping) {
      Job job;
      job.report_data = report_data;
      job.waiters.push_back(std::move(waiter));
      impl_->queue.push_back(std::move(job));
      impl_->wake.notify_one();
      return;
    }
  }
  waiter.done(fail(ErrorCode::unavailable, "cannot make a quote: too many requests are waiting"));
}

Result<void> QuoteService::extend_rtmr3(const Digest384& digest) {
  const std::lock_guard working(impl_->source_mutex);
  return impl_->source->extend_rtmr3(digest);
}

std::string QuoteService::attestation_type() const { return impl_->source->attestation_type(); }

bool QuoteService::can_extend() const { return impl_->source->can_extend(); }

}  // namespace dd
