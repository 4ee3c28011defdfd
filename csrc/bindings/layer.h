// The Python class Layer: a codec::Layer that has been checked once.
#pragma once

#include <optional>

#include "codec/layer.h"
#include "cpu/isa.h"

namespace qwen3tts::bindings {

struct PackedLayer {
  codec::Layer layer;
  std::optional<cpu::Isa> isa;  // what its weights are laid out for; none is a GPU
};

}  // namespace qwen3tts::bindings
