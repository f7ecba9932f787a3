#include "dragoman/training/placement.h"

namespace dragoman {

Transformer placed_for_training(Transformer model, at::Device device, at::ScalarType type) {
  model->to(device);
  model->set_compute_type(type);
  model->train();
  return model;
}

Transformer placed_teacher(Transformer teacher, at::Device device, at::ScalarType type) {
  if (teacher) placed_for_training(teacher, device, type)->eval();
  return teacher;
}

}  // namespace dragoman
