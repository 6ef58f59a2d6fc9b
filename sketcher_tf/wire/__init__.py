"""The protocol of TensorFlow Serving: messages and tensors."""
