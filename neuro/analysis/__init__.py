"""Models of recorded activity: switching couplings, factors of co-activity, communities."""

from neuro.analysis.communities import louvain as louvain
from neuro.analysis.communities import spectral as spectral
from neuro.analysis.hidden_markov import Posterior as Posterior
from neuro.analysis.hidden_markov import forward_backward as forward_backward
from neuro.analysis.hidden_markov import viterbi_path as viterbi_path
from neuro.analysis.hmm_glm import HMMGLM as HMMGLM
from neuro.analysis.hmm_glm import SwitchingGLM as SwitchingGLM
from neuro.analysis.tensor_factors import Factors as Factors
from neuro.analysis.tensor_factors import affinity as affinity
from neuro.analysis.tensor_factors import ntf as ntf
from neuro.analysis.tensor_factors import pair_matrix as pair_matrix

__all__ = [
    "HMMGLM",
    "Factors",
    "Posterior",
    "SwitchingGLM",
    "affinity",
    "forward_backward",
    "louvain",
    "ntf",
    "pair_matrix",
    "spectral",
    "viterbi_path",
]
