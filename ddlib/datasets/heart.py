"""Patients who came for coronary angiography at four hospitals: the "Heart Disease" data of the UCI repository (1988)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.datasets.download import RemoteFile
from ddlib.datasets.records import Column, Records, read
from ddlib.datasets.visits import Source

__all__ = ["CATEGORIES", "HOSPITALS", "SOURCE", "TABLES", "VARIABLES", "HeartDisease", "heart_disease"]

VARIABLES = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal")
"""What was measured before the angiography, under the names of the repository."""

CATEGORIES = {
    "sex": {0: "female", 1: "male"},
    "cp": {1: "typical angina", 2: "atypical angina", 3: "other pain", 4: "no symptoms"},
    "fbs": {0: "fasting sugar to 120 mg/dL", 1: "above"},
    "restecg": {0: "normal", 1: "ST-T abnormal", 2: "left ventricular hypertrophy"},
    "exang": {0: "no angina on exercise", 1: "angina on exercise"},
    "slope": {1: "rising", 2: "flat", 3: "falling"},
    "ca": {0: "no vessel", 1: "one", 2: "two", 3: "three"},
    "thal": {3: "normal", 6: "fixed defect", 7: "reversible defect"},
}
"""The variables with a few values, and what these mean; the vessels of ``ca`` are those that fluoroscopy coloured."""

_ADDRESS = "https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease"


def _table(name: str, theirs: str, sha256: str, rows: int, columns: str) -> Records:
    """A hospital's file, which does not name its columns; ``columns`` holds their hashes."""
    hashes = {column: Column("number", one) for column, one in zip((*VARIABLES, "num"), columns.split(), strict=True)}
    remote = RemoteFile(f"heart_{name}.csv", f"{_ADDRESS}/processed.{theirs}.data", sha256)
    return Records("heart", remote, None, rows, hashes, tuple(hashes))


_CLEVELAND = _table(
    "cleveland",
    "cleveland",
    "a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8",
    303,
    """
    efaa138e7fa20aac4aaf7a654207b8fb59a28adce445a0ba9f1cd6d6437f353f
    e5f01c26a92648289297ad2bd725e7dae523299bed0927456202cc1ab6a6762e
    15ed1bd00d3a48cf9598772f77d4998c333c5141c5af63276c7d0538b9feea27
    95bfa754a9b249ae574aab6d403990f8367ad0d2a30fffcfd5965367f839af64
    0c6f125e08cf935d7c661a6a74645eecb5e87f3fe0a4c66137df8cb2d067c534
    a81c628e2d84237240a8b08c6f32b699eb4ef0f5475bcae91ca5c292d76defa6
    1a671daffe43fce0f6928906e09665304774f8fbaea2cc7cad3073d6be02dcc3
    f6c56e3a2600ae469d1298c6b751abd703672287b73f55406defe9e4adc6561b
    2875de349c97d72c289c71c00a5f4f2712410fea67c402ea25ec3b51dc2c9bb8
    32f148af79e7694291f1f3601829095ef5135a22c4d537599a311cf7a51be434
    234f7436cfd5533e623a909b3654fe9cfb609a59b4437c84b2183776096bb35a
    7e2abf853bf6b544f2f73fffd007ea3b48f0392d536e9c8f85b27b18f0b21180
    69160ce4f2a19397c409e3e7fb4965d8379078436247947e2a9a1d07e53cae13
    505566071d075247a5a8cd2c5b5bd46c8a8ec4e19eeb0842f45cfe838879c90b
    """,
)
_BUDAPEST = _table(
    "hungary",
    "hungarian",
    "d1ad108f785768cd3d7e82dc522e6f5a61eea93cccfb3a46ee8076f73fc3d796",
    294,
    """
    00fab3414a75847d0ad5cbc4059e5cfdc3b5ea2f4dc2c24531d84d8019c8f0f9
    9488fe9a145256eb0e90f2e43f32530b327200e6396b4b190e4e77cebf1d23b2
    f6a9b220de7e273c8feebd36c3fde6fee9c2adcd49d82aeca6e4126400f50a31
    e03dca614212777fbb09928168521b2d80505cabdef5620b783c29fb8cf569e9
    80b653381b4069f83efcd7dcee2d09871eec635b52a8fa124e0b5c7c43665d3c
    b2e15928d248a82aaa4fe6945d48456dfb7bed2256876ea9506c3d22fea7be9d
    6fa83c3f96c38c23e12f8ed852c4f08d17bbaf3b7ef1510d745a39694fd35853
    cb53efc71a062d34e2fabbb965d46b7b85d67758c4c0e6ea77cd6457f7c2f740
    5fa6fa618a971bd89f1de77709f9007cff1bc379e018d334b3bc09d41338872c
    16557754c8ee789bf63fddd356b86114f2a76d93aac4ad2b822794633303823b
    292bd31a18cfd9c7a5b6226ceab4fcf418e28a4c8578cd9f18b739180450e6cc
    b7e5978f9945b981f721411403f3302647f606ea0e7269274e06b650dd2c4c70
    6a0d67f44ec2efaffb78653227c36cf95c2af2a5179350472f3c1d370cc08213
    aeb10187cf1a1515478b2ea02207a8a2f50272d183e985fd7fc78b37f7162f7c
    """,
)
_SWITZERLAND = _table(
    "switzerland",
    "switzerland",
    "834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314",
    123,
    """
    8d9ca90b31b921cd60a0440915bea85d38872052f154b041303f02eb070ad154
    76b0bbbea22f762c62fcb4d9b02e148e962214e6f27ca2045cfa9c7e71de27e9
    6d28f586ae885e641841e25591325d0760a35c403b4e544b17e0795ec0441460
    ceec53ea4f60ed76fbe71ff9adaf7ff8f20d7f01deb4d72aad65d5f46adca1cf
    b4afab3837f79729f1636cb166bbec82faad3b8ebe7d1cbf4b3f16e8363709fe
    371e4b1d1feb04d5bdd96d30ffb006b68d10a8a0aa7f9eb9d0b1eb0df820ad7f
    29cbaf000f4d785e67d63a5c3372e6f8af04f43a787350ef2ae4b7604a821152
    47ab9b2b8c84f49174252ef2d34d27150a79d9d82e75f36dd040dd62170c20e1
    396539a1173f59eb441f2300cdd9e90e9434b1145b8b9392c72c4a63c5d59d2f
    da4f15238e417f12c73950e8e8626f219d947dfecd56b0e56abbffa0644fee20
    8a2a5a43a1014783fca4055eefaeca821439244e5d6086abcdac6841eb23a561
    6c903b3742684c720f2ba621c90012d8bb0fe4bec49b17707d4e70e13678ab6b
    6322cf7d2d14fe07dad08cd98aa3c6f6b68b11f88d216070c487c1aaa8cbd6cf
    7c87c9afc0f8878eb27e23c08ad25c06669a2c03044bd9827159bd17a9443886
    """,
)
_LONG_BEACH = _table(
    "long_beach",
    "va",
    "e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f",
    200,
    """
    515b91a99a17167deb2e7c264da8e559c4464423492d8b376ad2231062848984
    93fe17769d89dedc8682fb254821f7610d0c4fb5a53d67b18c2e198a36af4e5c
    53e19664d480231e1ff47c73c1dc2a4989a6f1ecdad191b3e6e966cf95b395ab
    1925ebf3fbe622535dbead6ab40a55153fd5f8afca0d52ebec4c517c40b3847f
    04076b61e877526b1f4e8ab25e3a73445b2b82174bbffa8a2c9d66d20a381d9a
    4b6df390340851377a5768338266906361015cacc0fd72ff97029ee1186062f2
    420e80638b5f4b74cf7cc94350a3f037679cc77e5ddac5b250e6ca88b960c431
    5263c38063d4550741330fe4102804ae60b873d420b30aef43222c262b5cefbb
    c194fa7df3e3445bc217c034ae5001b5dcdcc04498785b15bf57950b56d11765
    06396900e3a5a7f1b471b5037f08b40f798d2c50c1c27b4e6cd7fb274a101300
    954ff0a5419f5c6ac2a0a4b49f346d4d9b491dea440fd8b82dcbe8276c3839b8
    b2f4fc8d7aba4d2035442f7f0be3410ea8322c66426390a81b347d835847693a
    16db9503f505b6b605359a0218bf565cfb39a8d4a66fd79b17003aeffdbbce58
    71ab71d7c7fb4f5ed7e6f5fb5cef0a24831da380a9aa6da76b1021eaa02e9c08
    """,
)

TABLES = (_CLEVELAND, _BUDAPEST, _SWITZERLAND, _LONG_BEACH)
"""The four files."""
HOSPITALS = ("Cleveland", "Budapest", "Switzerland", "Long Beach")
"""Where the patients of each file came to; those of the third to Zürich or Basel, which it does not tell apart."""

SOURCE = Source(
    "Heart Disease",
    "https://archive.ics.uci.edu/dataset/45/heart+disease",
    "Creative Commons Attribution 4.0 International (CC BY 4.0)",
    "Andras Janosi (Hungarian Institute of Cardiology, Budapest), William Steinbrunn (University Hospital, Zürich), Matthias "
    "Pfisterer (University Hospital, Basel) and Robert Detrano (V.A. Medical Center, Long Beach, and Cleveland Clinic Foundation), "
    "Heart Disease, UCI Machine Learning Repository, 1988, doi:10.24432/C52P4X",
)
"""Where the records come from, and on which terms; the donors ask that these investigators be named."""

_NEVER_ZERO = ("trestbps", "chol")
"""Variables whose 0 means that nothing was measured."""


class HeartDisease(NamedTuple):
    """Patients of four hospitals.

    Attributes:
        values: one patient per row, not-a-number where nothing was measured.
        disease: 1 where angiography found a vessel narrowed by more than half, else 0.
        hospital: the number of each patient's hospital.
        zero: cells that the files have as 0 and that are missing here.
        same: the number of the first patient of the same hospital with the same record: their own, but for two patients.
        hospitals: the names of the hospitals.
        variables: the names of the columns.
        source: where the data come from.

    >>> HeartDisease._fields[:3]
    ('values', 'disease', 'hospital')
    """

    values: Float[Tensor, "n d"]
    disease: Float[Tensor, " n"]
    hospital: Int[Tensor, " n"]
    zero: Bool[Tensor, "n d"]
    same: Int[Tensor, " n"]
    hospitals: tuple[str, ...]
    variables: tuple[str, ...]
    source: Source


def heart_disease(cache: Path | None = None) -> HeartDisease:
    """Thirteen measurements of 920 patients at four hospitals, and whether they had coronary heart disease.

    Choices: a cholesterol or a blood pressure of 0 is missing (all of Switzerland's cholesterol, 49 cells and one of Long Beach).
    The diagnosis is reduced to present or absent, as Budapest's file holds no more. All patients are kept. Budapest and Long Beach
    have two patients each with one and the same record: whether they are two people or one nobody can say, so ``same`` marks them,
    and who splits the patients should keep them together. A negative ``oldpeak`` (a raised ST segment) is as it was recorded.

    ``ca`` is hardly measured outside Cleveland, and who had ``thal`` measured depends on the disease.

    Args:
        cache: where fetched files are kept (:func:`ddlib.datasets.download.fetch`).

    Raises:
        DataUnavailableError: if the records are not on this machine and cannot be fetched.
        ChecksumError: if a source holds other values than the pinned files; copies in which a patient has the wrong hospital are
            about.

    >>> from ddlib.datasets import at_hand
    >>> all(at_hand(table) is None for table in TABLES) or heart_disease().values.shape == (920, 13)
    True
    """
    parts = [read(table, cache) for table in TABLES]
    rows = np.concatenate([part.to_numpy(dtype=float) for part in parts])
    hospital = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    _, first, place = np.unique(
        np.column_stack([hospital, np.nan_to_num(rows, nan=np.inf)]), axis=0, return_index=True, return_inverse=True
    )
    zero = (rows[:, :-1] == 0) & np.isin(VARIABLES, _NEVER_ZERO)
    return HeartDisease(
        torch.as_tensor(np.where(zero, np.nan, rows[:, :-1])),
        torch.as_tensor((rows[:, -1] > 0).astype(float)),
        torch.as_tensor(hospital),
        torch.as_tensor(zero),
        torch.as_tensor(first[place.ravel()]),
        HOSPITALS,
        VARIABLES,
        SOURCE,
    )
