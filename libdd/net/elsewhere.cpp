#include "libdd/net/elsewhere.hpp"

#include <mutex>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>

namespace dd::net {
namespace {

class ContextDoorway final : public Doorway {
 public:
  void post(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    // Under the lock: the context waits for it before it goes.
    if (executor_) asio::post(executor_, std::move(work));
  }
  void open(asio::any_io_executor executor) {
    const std::lock_guard lock(mutex_);
    executor_ = std::move(executor);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    executor_ = asio::any_io_executor();
  }

 private:
  std::mutex mutex_;
  asio::any_io_executor executor_;
};

/// Lives in the context and hears when that shuts down.
class DoorwayService final : public asio::execution_context::service {
 public:
  using key_type = DoorwayService;
  static asio::execution_context::id id;

  explicit DoorwayService(asio::execution_context& context) : service(context) {}
  void shutdown() override { doorway->close(); }

  const std::shared_ptr<ContextDoorway> doorway = std::make_shared<ContextDoorway>();
};

asio::execution_context::id DoorwayService::id;

}  // namespace

std::shared_ptr<Doorway> Doorway::of(asio::any_io_executor executor) {
  auto& context = asio::query(executor, asio::execution::context);
  auto doorway = asio::use_service<DoorwayService>(context).doorway;
  doorway->open(std::move(executor));
  return doorway;
}

}  // namespace dd::net
