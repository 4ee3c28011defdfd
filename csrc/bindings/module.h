// The parts of the module qwen3tts._C: each defines its functions.
#pragma once

#include <pybind11/pybind11.h>

namespace qwen3tts::bindings {

void define_linear(pybind11::module_& module);
void define_layer(pybind11::module_& module);
void define_codec(pybind11::module_& module);
void define_codec_cuda(pybind11::module_& module);

}  // namespace qwen3tts::bindings
