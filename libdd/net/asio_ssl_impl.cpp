// Asio's TLS part, compiled once (BOOST_ASIO_SEPARATE_COMPILATION); apart from asio_impl.cpp so that only what uses it links OpenSSL.
#include <utility>

#include <boost/asio/ssl/impl/src.hpp>
