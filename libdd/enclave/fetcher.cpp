#include "libdd/enclave/fetcher.hpp"

#include <algorithm>

#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/fetch_words.hpp"

namespace dd::enclave {

/// What belongs to one fetch.
struct Fetcher::Fetch {
  Fetch(GithubRelease asked, std::shared_ptr<FetchJob> with, SayLine hear, FetchHelper by)
      : release(std::move(asked)), job(std::move(with)), say(std::move(hear)), helper(std::move(by)), words(release) {}

  void heard(const protocol::FetchReport& report) {
    std::string line;
    if (const auto* asset = std::get_if<protocol::AssetFound>(&report)) {
      found = *asset;
      line = words.found(found);
      // Known before its bytes are here.
      const auto pinned = std::string(kDigestPrefix) + release.sha256;
      if (!release.sha256.empty() && !found.digest.empty() && found.digest != pinned)
        job->end(check_digest(release, {}, found.digest).error());
    }
    if (const auto* progress = std::get_if<protocol::FetchProgress>(&report)) line = words.progress(progress->bytes);
    if (!line.empty()) say(line + "\n");
  }

  GithubRelease release;
  std::shared_ptr<FetchJob> job;
  SayLine say;
  FetchHelper helper;
  FetchWords words;
  protocol::AssetFound found;
};

/// A helper's number, given back when this goes.
class Fetcher::Slot {
 public:
  Slot(Fetcher& owner, int number) : owner_(owner), number_(number) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  /// Not given back for as long as the runtime lives.
  void keep() noexcept { lost_ = true; }
  ~Slot() {
    if (lost_) return;
    owner_.taken_.at(static_cast<std::size_t>(number_)) = false;
    owner_.changed_.notify();
  }

 private:
  Fetcher& owner_;
  int number_;
  bool lost_ = false;
};

Fetcher::Fetcher(net::asio::any_io_executor executor, net::asio::thread_pool& pool, const Settings& settings,
                 ExecutableStore& store, ReleaseTrees& trees)
    : executor_(executor), pool_(pool), settings_(settings), store_(store), trees_(trees), changed_(executor) {}

net::Task<Result<FetchedRelease>> Fetcher::fetch(GithubRelease release, std::shared_ptr<FetchJob> job, SayLine say) {
  if (auto here = known(release)) co_return *std::move(here);
  const auto over = std::make_shared<net::Event>(executor_);
  net::spawn(executor_, end_at_deadline(job, over), "deadline of a fetch");
  auto result = co_await with_number(std::move(release), job, std::move(say));
  job->finish();
  over->notify();
  co_return result;
}

net::Task<Result<FetchedRelease>> Fetcher::with_number(GithubRelease release, std::shared_ptr<FetchJob> job,
                                                       SayLine say) {
  const auto number = co_await free_number(job);
  if (!number) co_return tl::unexpected(number.error());
  Slot slot(*this, *number);
  auto program = co_await stage_helper();
  if (!program) co_return tl::unexpected(program.error());
  FetchHelper helper(executor_, settings_, *std::move(program), *number);
  const auto fetch = std::make_shared<Fetch>(std::move(release), std::move(job), std::move(say), std::move(helper));
  auto result = co_await carry_out(fetch);
  if (fetch->helper.lost()) slot.keep();
  co_return result;
}

// From the store, since the helper's uid may not see the folder that the program is in. It stays there as long as a deploy is under way.
net::Task<Result<std::filesystem::path>> Fetcher::stage_helper() {
  if (settings_.fetch_program.empty())
    co_return fail(ErrorCode::unsupported, "cannot fetch: dd-fetch is neither beside dd-enclave nor in " DD_LIBEXECDIR);
  Result<StagedExecutable> staged;
  std::function<void()> work = [this, &staged] { staged = store_.stage(settings_.fetch_program.string()); };
  co_await net::run_on(pool_, std::move(work));
  if (!staged) co_return fail(staged.error().code, "cannot fetch: " + staged.error().message);
  co_return staged->path;
}

void Fetcher::end(FetchJob& job, Error why) {
  job.end(std::move(why));
  changed_.notify();
}

std::optional<FetchedRelease> Fetcher::known(const GithubRelease& release) {
  if (release.sha256.empty()) return std::nullopt;
  FetchedRelease result;
  result.tag = release.tag.empty() ? "latest" : release.tag;
  result.digest = std::string(kDigestPrefix) + release.sha256;
  if (is_archive(release.asset)) {
    result.tree = trees_.find(result.digest);
    if (result.tree.empty()) return std::nullopt;
    return result;
  }
  auto staged = store_.find_staged(result.digest);
  if (!staged) return std::nullopt;
  result.program = *std::move(staged);
  return result;
}

net::Task<Result<int>> Fetcher::free_number(std::shared_ptr<FetchJob> job) {
  for (;;) {
    if (job->ended()) co_return tl::unexpected(*job->ended());
    const auto free = std::ranges::find(taken_, false);
    if (free != taken_.end()) {
      *free = true;
      co_return static_cast<int>(free - taken_.begin());
    }
    co_await changed_.wait(std::chrono::hours(24));
  }
}

net::Task<void> Fetcher::end_at_deadline(std::shared_ptr<FetchJob> job, std::shared_ptr<net::Event> over) {
  // A coroutine starts later than it is spawned: by then the fetch may be over.
  if (!job->finished()) co_await over->wait(settings_.fetch_timeout);
  if (job->finished() || job->ended()) co_return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(settings_.fetch_timeout).count();
  Error late{ErrorCode::deadline_exceeded,
             "cannot fetch: it took over " + std::to_string(seconds) + " s (DD_FETCH_TIMEOUT)"};
  end(*job, std::move(late));
}

net::Task<Result<FetchedRelease>> Fetcher::carry_out(std::shared_ptr<Fetch> fetch) {
  auto file = co_await download(fetch);
  if (!file) co_return tl::unexpected(file.error());
  // The helper is gone, so that what is hashed is what stays.
  Result<Digest256> digest;
  std::function<void()> hash = [&digest, &file] {
    const auto ended = file->end_writing();
    digest = ended ? crypto::sha256_file(file->path().c_str()) : Result<Digest256>(tl::unexpected(ended.error()));
  };
  co_await net::run_on(pool_, std::move(hash));
  if (!digest) co_return tl::unexpected(digest.error());
  FetchedRelease result;
  result.tag = fetch->found.tag;
  result.digest = std::string(kDigestPrefix) + to_hex(*digest);
  if (auto good = check_digest(fetch->release, fetch->found.digest, result.digest); !good)
    co_return tl::unexpected(good.error());
  fetch->say("fetched " + result.digest + "\n");
  if (is_archive(fetch->release.asset)) co_return co_await unpack(fetch, *std::move(file), std::move(result));
  co_return co_await keep_program(*std::move(file), std::move(result));
}

net::Task<Result<TemporaryFile>> Fetcher::download(std::shared_ptr<Fetch> fetch) {
  auto file = TemporaryFile::make(store_.folder());
  if (!file) co_return file;
  protocol::GetAsset get;
  get.api_url = settings_.github_api_url;
  get.ca_file = settings_.ca_file.string();
  get.repo = fetch->release.repo;
  get.tag = fetch->release.tag;
  get.asset = fetch->release.asset;
  get.token = settings_.github_token;
  get.max_bytes = kMaxAssetBytes;
  get.deadline_ms = settings_.fetch_timeout.count();
  FetchHelper::Order order;
  order.what = std::move(get);
  order.descriptors = {file->fd()};
  order.job = fetch->job;
  order.heard = [fetch](const protocol::FetchReport& report) { fetch->heard(report); };
  order.say = fetch->say;
  const auto done = co_await fetch->helper.run(std::move(order));
  if (!done) co_return tl::unexpected(done.error());
  co_return file;
}

net::Task<Result<FetchedRelease>> Fetcher::keep_program(TemporaryFile file, FetchedRelease result) {
  Result<StagedExecutable> staged;
  std::function<void()> work = [this, &staged, &file] { staged = store_.adopt(std::move(file)); };
  co_await net::run_on(pool_, std::move(work));
  if (!staged) co_return tl::unexpected(staged.error());
  if (staged->digest != result.digest)
    co_return fail(ErrorCode::permission_denied, "cannot keep what was fetched: it has changed since it was checked");
  result.program = *std::move(staged);
  co_return result;
}

net::Task<Result<FetchedRelease>> Fetcher::unpack(std::shared_ptr<Fetch> fetch, TemporaryFile file,
                                                  FetchedRelease result) {
  result.tree = trees_.find(result.digest);
  if (!result.tree.empty()) co_return result;
  const auto identity = fetch->helper.identity();
  auto tree = trees_.make(identity.uid, identity.gid);
  if (!tree) co_return tl::unexpected(tree.error());
  FetchHelper::Order order;
  order.what = protocol::UnpackArchive{kMaxUnpackedBytes, kMaxEntries};
  order.descriptors = {file.fd(), tree->fd()};
  order.job = fetch->job;
  order.heard = [](const protocol::FetchReport&) {};
  order.say = fetch->say;
  const auto done = co_await fetch->helper.run(std::move(order));
  Result<std::filesystem::path> kept;
  std::function<void()> work = [this, &done, &kept, &tree, &result, uid = identity.uid] {
    auto incoming = *std::move(tree);  // goes here, on this thread, unless it is kept
    if (done) kept = trees_.keep(std::move(incoming), uid, result.digest);
  };
  co_await net::run_on(pool_, std::move(work));
  if (!done) co_return wrap(done.error(), "cannot use " + fetch->release.asset + " of " + source_text(fetch->release));
  if (!kept) co_return tl::unexpected(kept.error());
  result.tree = *std::move(kept);
  co_return result;
}

}  // namespace dd::enclave
