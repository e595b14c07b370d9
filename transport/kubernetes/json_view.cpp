#include "transport/kubernetes/json_view.hpp"

namespace runtime_agent::kubernetes {

std::string JsonView::scalar() const {
  if (!dom_)
    return json_ == nullptr ? "null" : json_->dump();
  switch (element_.type()) {
  case simdjson::dom::element_type::INT64:
    return Json(element_.get_int64().value_unsafe()).dump();
  case simdjson::dom::element_type::UINT64:
    return Json(element_.get_uint64().value_unsafe()).dump();
  case simdjson::dom::element_type::DOUBLE:
    return Json(element_.get_double().value_unsafe()).dump();
  case simdjson::dom::element_type::BOOL:
    return Json(element_.get_bool().value_unsafe()).dump();
  default:
    return "null";
  }
}

} // namespace runtime_agent::kubernetes
