#include "app/page_access.hpp"

#include <gmock/gmock.h>

/// Who gets at the pages.
namespace runtime_agent::app {
namespace {

struct Case {
  const char* method;
  const char* host;
  const char* origin;
  const char* site;
  bool allowed;
};

class PageAccess : public testing::TestWithParam<Case> {};

TEST_P(PageAccess, IsForLoopbackAndForTheirOwnForms) {
  WebRequest request;
  request.method = GetParam().method;
  request.headers["host"] = GetParam().host;
  if (*GetParam().origin)
    request.headers["origin"] = GetParam().origin;
  if (*GetParam().site)
    request.headers["sec-fetch-site"] = GetParam().site;
  EXPECT_EQ(!refused(request), GetParam().allowed);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, PageAccess,
    testing::Values(Case{"GET", "localhost:8091", "", "", true}, Case{"GET", "LOCALHOST", "", "", true},
                    Case{"GET", "127.0.0.1:1234", "", "cross-site", true}, Case{"GET", "[::1]:8091", "", "", true},
                    Case{"GET", "", "", "", false}, Case{"GET", "evil.example.com", "", "", false},
                    Case{"GET", "localhost.evil.example.com:8091", "", "", false},
                    Case{"GET", "127.0.0.1.evil.example.com", "", "", false}, Case{"GET", "[::1", "", "", false},
                    Case{"POST", "localhost:8091", "", "", true},
                    Case{"POST", "localhost:8091", "http://localhost:8091", "same-origin", true},
                    Case{"POST", "localhost:8091", "http://localhost:8092", "", false},
                    Case{"POST", "localhost:8091", "null", "", false},
                    Case{"POST", "localhost:8091", "", "cross-site", false},
                    Case{"POST", "localhost:8091", "https://evil.example.com", "cross-site", false}));

} // namespace
} // namespace runtime_agent::app
