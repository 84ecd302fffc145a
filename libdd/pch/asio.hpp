// Precompiled: coroutines beside JSON. Beast and cpprestsdk stay out: they live in a handful of files of libdd/net.
#ifndef DD_PCH_ASIO
#define DD_PCH_ASIO
#include "json.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#endif
