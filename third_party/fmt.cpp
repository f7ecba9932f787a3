// What fmt's headers leave to its library: every function of format-inl.h, and these templates.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API auto dragonbox::to_decimal(float number) noexcept -> dragonbox::decimal_fp<float>;
template FMT_API auto dragonbox::to_decimal(double number) noexcept
    -> dragonbox::decimal_fp<double>;
template FMT_API auto thousands_sep_impl(locale_ref place) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref place) -> char;

}  // namespace detail
FMT_END_NAMESPACE
