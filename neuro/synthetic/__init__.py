"""Data sets and series made on the spot, offline, each from one seed."""

from neuro.synthetic.chaotic import Narma as Narma
from neuro.synthetic.chaotic import lorenz as lorenz
from neuro.synthetic.chaotic import mackey_glass as mackey_glass
from neuro.synthetic.chaotic import narma as narma
from neuro.synthetic.chaotic import narma_response as narma_response
from neuro.synthetic.markov_source import MarkovSource as MarkovSource
from neuro.synthetic.markov_source import markov_spikes as markov_spikes
from neuro.synthetic.memory_tasks import DelayedMatch as DelayedMatch
from neuro.synthetic.memory_tasks import StoreRecall as StoreRecall
from neuro.synthetic.memory_tasks import delayed_match_to_sample as delayed_match_to_sample
from neuro.synthetic.memory_tasks import store_recall as store_recall
from neuro.synthetic.motifs import SpikeMotifs as SpikeMotifs
from neuro.synthetic.motifs import spike_motifs as spike_motifs
from neuro.synthetic.motion_cloud import cloud_envelope as cloud_envelope
from neuro.synthetic.motion_cloud import motion_cloud as motion_cloud
from neuro.synthetic.moving_patterns import drifting_gratings as drifting_gratings
from neuro.synthetic.moving_patterns import motion_clouds as motion_clouds
from neuro.synthetic.moving_patterns import moving_bars as moving_bars
from neuro.synthetic.predictions import CueOutcomes as CueOutcomes
from neuro.synthetic.predictions import Phase as Phase
from neuro.synthetic.predictions import cue_outcomes as cue_outcomes
from neuro.synthetic.randman import manifold_times as manifold_times
from neuro.synthetic.randman import randman as randman
from neuro.synthetic.spike_classes import PoissonClasses as PoissonClasses
from neuro.synthetic.spike_classes import poisson_classes as poisson_classes
from neuro.synthetic.task_streams import ConceptShifts as ConceptShifts
from neuro.synthetic.task_streams import RecurringTasks as RecurringTasks
from neuro.synthetic.task_streams import concept_shifts as concept_shifts
from neuro.synthetic.task_streams import recurring_tasks as recurring_tasks
from neuro.synthetic.task_streams import zipf_classes as zipf_classes
from neuro.synthetic.templates import spike_templates as spike_templates

__all__ = [
    "ConceptShifts",
    "CueOutcomes",
    "DelayedMatch",
    "MarkovSource",
    "Narma",
    "Phase",
    "PoissonClasses",
    "RecurringTasks",
    "SpikeMotifs",
    "StoreRecall",
    "cloud_envelope",
    "concept_shifts",
    "cue_outcomes",
    "delayed_match_to_sample",
    "drifting_gratings",
    "lorenz",
    "mackey_glass",
    "manifold_times",
    "markov_spikes",
    "motion_cloud",
    "motion_clouds",
    "moving_bars",
    "narma",
    "narma_response",
    "poisson_classes",
    "randman",
    "recurring_tasks",
    "spike_motifs",
    "spike_templates",
    "store_recall",
    "zipf_classes",
]
