"""The gRPC service `tts.v1.TtsService` of `tts.proto`, beside the standard health and reflection services.

After a change of `tts.proto`, from the top of the repository:
`python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. qwen3tts/server/rpc/tts.proto`.
Generated code works with the protobuf of its own major version and of the next, and with grpcio from its own version on, so an old
grpcio-tools (1.73) serves the most installations.
"""
