"""Transforms: recordings changed, cut, counted and batched, without losing an event unasked."""

from neuro.transforms._base import RandomTransform as RandomTransform
from neuro.transforms._base import Transform as Transform
from neuro.transforms.average_surface import average_surface as average_surface
from neuro.transforms.batch import Batch as Batch
from neuro.transforms.batch import collate as collate
from neuro.transforms.bits import to_bits as to_bits
from neuro.transforms.compose import Compose as Compose
from neuro.transforms.crop import CentreCrop as CentreCrop
from neuro.transforms.crop import Crop as Crop
from neuro.transforms.crop import RandomCrop as RandomCrop
from neuro.transforms.denoise import Denoise as Denoise
from neuro.transforms.downsample import Coarsen as Coarsen
from neuro.transforms.downsample import Downsample as Downsample
from neuro.transforms.drop import DropArea as DropArea
from neuro.transforms.drop import DropEvents as DropEvents
from neuro.transforms.drop import DropTime as DropTime
from neuro.transforms.drop import DropUnits as DropUnits
from neuro.transforms.flip import Flip as Flip
from neuro.transforms.frames import to_frames as to_frames
from neuro.transforms.hot_pixels import HotPixels as HotPixels
from neuro.transforms.jitter import SpatialJitter as SpatialJitter
from neuro.transforms.jitter import TimeJitter as TimeJitter
from neuro.transforms.noise import UniformNoise as UniformNoise
from neuro.transforms.pad import Pad as Pad
from neuro.transforms.polarity import FlipPolarity as FlipPolarity
from neuro.transforms.polarity import MergePolarities as MergePolarities
from neuro.transforms.refractory import Refractory as Refractory
from neuro.transforms.shift import Centre as Centre
from neuro.transforms.shift import Shift as Shift
from neuro.transforms.slices import Slices as Slices
from neuro.transforms.slices import slice_at as slice_at
from neuro.transforms.slices import slice_count as slice_count
from neuro.transforms.slices import slice_time as slice_time
from neuro.transforms.surfaces import last_times as last_times
from neuro.transforms.surfaces import time_surface as time_surface
from neuro.transforms.time_axis import TimeReverse as TimeReverse
from neuro.transforms.time_axis import TimeScale as TimeScale
from neuro.transforms.time_axis import TimeShift as TimeShift
from neuro.transforms.voxels import to_voxels as to_voxels

__all__ = [
    "Batch",
    "Centre",
    "CentreCrop",
    "Coarsen",
    "Compose",
    "Crop",
    "Denoise",
    "Downsample",
    "DropArea",
    "DropEvents",
    "DropTime",
    "DropUnits",
    "Flip",
    "FlipPolarity",
    "HotPixels",
    "MergePolarities",
    "Pad",
    "RandomCrop",
    "RandomTransform",
    "Refractory",
    "Shift",
    "Slices",
    "SpatialJitter",
    "TimeJitter",
    "TimeReverse",
    "TimeScale",
    "TimeShift",
    "Transform",
    "UniformNoise",
    "average_surface",
    "collate",
    "last_times",
    "slice_at",
    "slice_count",
    "slice_time",
    "time_surface",
    "to_bits",
    "to_frames",
    "to_voxels",
]
