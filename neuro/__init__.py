"""neuro: spiking neural networks. One definition; simulate, train, adapt, export; same spikes."""

__version__ = "0.1.0"
