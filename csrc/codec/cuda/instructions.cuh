// What has no C++ form, by name. tests/csrc/emulation has a file of the same path and names, for a host compiler.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace qwen3tts::cuda {

// The block's dynamic shared memory, aligned to 16 bytes: what kernels have of shared memory is all in there.
template <class Element>
__device__ __forceinline__ Element* dynamic_shared() {
  extern __shared__ float4 memory[];
  return reinterpret_cast<Element*>(memory);
}

// The nearest TF32 number, halves away from zero: 10 bits of mantissa in a float's place.
__device__ __forceinline__ std::uint32_t to_tf32(float value) {
  std::uint32_t rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(value));
  return rounded;
}

// d (16, 8) += a (16, 8) * b (8, 8), spread over a warp. With group = lane / 4 and place = lane % 4 a lane has
// a[group, place], a[group + 8, place], a[group, place + 4], a[group + 8, place + 4]; b[place, group], b[place + 4, group];
// d[group, 2 * place], d[group, 2 * place + 1], d[group + 8, 2 * place], d[group + 8, 2 * place + 1].
__device__ __forceinline__ void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Starts to copy 16 bytes past the registers; zeros where not valid, and then `global` is not read. Both are aligned to 16 bytes.
__device__ __forceinline__ void copy_async16(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))),
               "l"(global), "r"(valid ? 16 : 0));
}

// Ends a group of the thread's copies.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;"); }

// Waits for the thread's groups of copies but the last `pending` of them. Other threads' take a barrier after it.
template <int pending>
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

}  // namespace qwen3tts::cuda
