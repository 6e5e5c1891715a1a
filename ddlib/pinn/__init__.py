"""Physics-informed networks, and boundary-value problems whose training and target boundary values lie on opposite tails.

Where to look: :mod:`ddlib.pinn.problems` has the families of problems, :mod:`ddlib.pinn.data` what is measured and which physics an
information level allows, :mod:`ddlib.pinn.learners` networks and what trains them, :mod:`ddlib.pinn.teachers` who labels points,
:mod:`ddlib.pinn.task` the task, :mod:`ddlib.pinn.methods` how sets are chosen. The bridge to DeepXDE needs the extra ``deepxde``
and is imported by name.
"""

from ddlib.pinn.data import Physics, PinnData, draw_data, physics, released_data
from ddlib.pinn.designs import scatter, tensor_grid
from ddlib.pinn.learners.affine import AffineRidge, affine_variance
from ddlib.pinn.learners.jets import autograd_jet, jet
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.learners.quasi_newton import QuasiNewton
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.methods.kernel_distillation import KernelDistillation
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.methods.rows import Smoothed, TeacherLabelled, TensorGrid
from ddlib.pinn.methods.students import PhysicsGradientMatching, PhysicsUnrolled, TeacherMatching
from ddlib.pinn.problems.burgers import Burgers
from ddlib.pinn.problems.conduction import Conduction
from ddlib.pinn.problems.law import Law, Tails
from ddlib.pinn.problems.logistic import Logistic
from ddlib.pinn.problems.poisson import Poisson
from ddlib.pinn.problems.problem import Jet, Problem
from ddlib.pinn.problems.screened import Screened
from ddlib.pinn.problems.solver import solve
from ddlib.pinn.problems.wave import Wave
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teachers.kernel import ARD, Functionals, collocate
from ddlib.pinn.teachers.labels import label_system, solve_labels
from ddlib.pinn.teachers.teacher import CollocationTeacher, NetworkTeacher

PROBLEMS: dict[str, Problem] = {
    problem.name: problem for problem in (Poisson(), Logistic(), Screened(), Conduction(), Burgers(), Wave())
}
"""Every family of problems, by its name."""

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
