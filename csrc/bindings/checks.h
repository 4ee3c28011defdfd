// How arguments become pointers. An array crosses as (address, elements) and is refused unless it has exactly the elements that its
// sizes make, so that no call reads or writes beyond one. A refusal names the argument, its value and the remedy.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "cpu/isa.h"

namespace qwen3tts::bindings {

using Array = std::pair<std::uintptr_t, std::int64_t>;
using OptionalArray = std::optional<Array>;

struct Size {
  const char* name;
  std::int64_t value;
};

constexpr std::int64_t most_elements = std::int64_t{1} << 40;
constexpr int most_threads = 256;

// Throws ValueError: "name=value problem: remedy".
[[noreturn]] void refuse(const char* name, std::int64_t value, const std::string& problem_and_remedy);

// The elements of an array of these sizes, each of them `least` or more.
std::int64_t elements(std::initializer_list<Size> sizes, std::int64_t least = 1);

void check_array(const char* name, const Array& array, std::int64_t elements, std::size_t alignment);

template <class Element>
Element* pointer(const char* name, const Array& array, std::int64_t elements, std::size_t alignment = alignof(Element)) {
  check_array(name, array, elements, alignment);
  return reinterpret_cast<Element*>(array.first);
}

template <class Element>
Element* pointer(const char* name, const OptionalArray& array, std::int64_t elements, std::size_t alignment = alignof(Element)) {
  return array ? pointer<Element>(name, *array, elements, alignment) : nullptr;
}

int check_threads(int threads);

// Not py::gil_scoped_release: once the interpreter has ended, taking the GIL back unwinds a daemon thread, and no destructor may
// let that through.
template <class Work>
void without_gil(const Work& work) {
  PyThreadState* state = PyEval_SaveThread();
  try {
    work();
  } catch (...) {
    PyEval_RestoreThread(state);
    throw;
  }
  PyEval_RestoreThread(state);
}

}  // namespace qwen3tts::bindings
