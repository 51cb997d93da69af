"""Back ends that run the laws of a neuron."""
