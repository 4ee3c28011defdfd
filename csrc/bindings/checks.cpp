#include "bindings/checks.h"

namespace qwen3tts::bindings {

void refuse(const char* name, std::int64_t value, const std::string& problem_and_remedy) {
  throw pybind11::value_error(std::string(name) + "=" + std::to_string(value) + " " + problem_and_remedy);
}

std::int64_t elements(std::initializer_list<Size> sizes, std::int64_t least) {
  std::int64_t product = 1;
  for (const Size& size : sizes) {
    if (size.value < least) refuse(size.name, size.value, "is too small: give at least " + std::to_string(least));
    if (product > 0 && size.value > most_elements / product)
      refuse(size.name, size.value, "makes an array of over " + std::to_string(most_elements) + " elements: split it");
    product *= size.value;
  }
  return product;
}

void check_array(const char* name, const Array& array, std::int64_t elements, std::size_t alignment) {
  const auto [address, given] = array;
  if (given != elements) refuse(name, given, "elements are not what the sizes make: give " + std::to_string(elements));
  if (elements > 0 && address == 0) refuse(name, 0, "is null: give the address of the array's first element");
  if (address % alignment != 0)
    refuse(name, static_cast<std::int64_t>(address), "is not aligned: give a multiple of " + std::to_string(alignment));
}

int check_threads(int threads) {
  if (threads < 1 || threads > most_threads)
    refuse("threads", threads, "is out of range: give 1 to " + std::to_string(most_threads));
  return threads;
}

}  // namespace qwen3tts::bindings
