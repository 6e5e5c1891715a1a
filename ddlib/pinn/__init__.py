"""Physics-informed networks, and boundary-value problems whose training and target boundary values lie on opposite tails.

Where to look: :mod:`ddlib.pinn.problem` says what a family of problems is, :mod:`ddlib.pinn.data` what is measured and which
physics an information level allows, :mod:`ddlib.pinn.learner` has the networks as learners, :mod:`ddlib.pinn.kernel` kernel
collocation, :mod:`ddlib.pinn.task` the task, :mod:`ddlib.pinn.teacher` who labels points, :mod:`ddlib.pinn.kernel_matching` and
:mod:`ddlib.pinn.students` how sets are chosen. The bridge to DeepXDE needs the ``book`` extra and is imported by name.
"""

from ddlib.pinn.affine import AffineRidge, affine_variance
from ddlib.pinn.burgers import Burgers
from ddlib.pinn.conduction import Conduction
from ddlib.pinn.data import Physics, PinnData, Tails, draw_data, physics, released_data, scatter, tensor_grid
from ddlib.pinn.jets import autograd_jet, jet
from ddlib.pinn.kernel import ARD, Functionals, collocate
from ddlib.pinn.kernel_distillation import KernelDistillation
from ddlib.pinn.kernel_matching import KernelMatching
from ddlib.pinn.labels import label_system, solve_labels
from ddlib.pinn.law import Law
from ddlib.pinn.learner import PhysicsNetwork
from ddlib.pinn.logistic import Logistic
from ddlib.pinn.networks import TanhNetwork
from ddlib.pinn.poisson import Poisson
from ddlib.pinn.problem import Jet, Problem
from ddlib.pinn.quasi_newton import QuasiNewton
from ddlib.pinn.rows import Smoothed, TeacherLabelled, TensorGrid
from ddlib.pinn.screened import Screened
from ddlib.pinn.solver import solve
from ddlib.pinn.students import PhysicsGradientMatching, PhysicsUnrolled, TeacherMatching
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teacher import CollocationTeacher, NetworkTeacher
from ddlib.pinn.training import FastTraining
from ddlib.pinn.wave import Wave

PROBLEMS: dict[str, Problem] = {
    problem.name: problem for problem in (Poisson(), Logistic(), Screened(), Conduction(), Burgers(), Wave())
}

__all__ = [
    "ARD",
    "PROBLEMS",
    "AffineRidge",
    "Burgers",
    "CollocationTeacher",
    "Conduction",
    "FastTraining",
    "Functionals",
    "Jet",
    "KernelDistillation",
    "KernelMatching",
    "Law",
    "Logistic",
    "NetworkTeacher",
    "Physics",
    "PhysicsGradientMatching",
    "PhysicsNetwork",
    "PhysicsUnrolled",
    "PinnData",
    "PinnTask",
    "Poisson",
    "Problem",
    "QuasiNewton",
    "Screened",
    "Smoothed",
    "Tails",
    "TanhNetwork",
    "TeacherLabelled",
    "TeacherMatching",
    "TensorGrid",
    "Wave",
    "affine_variance",
    "autograd_jet",
    "collocate",
    "draw_data",
    "jet",
    "label_system",
    "physics",
    "released_data",
    "scatter",
    "solve",
    "solve_labels",
    "tensor_grid",
]
