"""The sizes and shapes of one patient's bodies and joints: drawn from the shape model, changed as the case asks.

All lengths are in mm and all angles in radians.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .case import Case, Patient, VertebraState
from .column_shape import ALONG, LEARNED_BODIES, BodyForm, Joint, load_column_shape

MEAN_DEPTH_MM = {"F": 33.5, "M": 36.5}
"""Mean depth of L2-L4: 35 mm, men 8-10 % larger (Panjabi 1992)."""

MEAN_STATURE_CM = {"F": 163.0, "M": 176.0}

DEPTH_SPREAD = 0.05
"""Standard deviation of the share by which bodies are deeper than stature tells."""

HEALTHY_GAP = {"L5/S1": 0.27, "L4/L5": 0.27, "L3/L4": 0.245, "L2/L3": 0.215, "L1/L2": 0.185, "T12/L1": 0.155}
HEALTHY_GAP |= {"T11/T12": 0.135, "T10/T11": 0.125, "T9/T10": 0.12}
"""Height of a healthy joint between the corners of its endplates, as a share of mean body depth.

With the hollows of its endplates the disc L4/L5 is then about 11 mm high in its middle, T12/L1 6-7 mm (Onishi 2019;
SPIDER's T2 SPACE masks where Pfirrmann is 1 or 2).
"""

OWN_VARIATION = 0.5
"""Of the variation of joint heights and slips in the model, whose patients have back pain, this share is healthy."""

HEALTHY_SLIP = 0.04
"""A healthy joint slips by no more than this share of the mean body depth beyond the average one."""

THORACIC = {"T12": (0.96, 0.95, -2.5), "T11": (0.97, 0.95, -3.5), "T10": (0.96, 0.96, -3.0), "T9": (0.96, 0.96, -3.0)}
"""Depth and height against the body below, and wedge in degrees: small from below, mildly kyphotic."""

THORACIC_WEDGE_DEG = 1.5
"""Standard deviation of their wedge."""

SACRAL = {"S2": (0.80, -7.0), "S3": (0.80, -9.0)}
"""Height against the body above, and wedge in degrees: the sacrum is hollow in front."""

SACRAL_TAPER = 0.72
"""Depth of a sacral body's lower end against its upper end."""

REMNANT = (0.075, -3.0)
"""Height of a sacral disc as a share of mean body depth, and its wedge in degrees."""

THINNEST_MM = 1.0
"""No disc is thinner than this between its corners."""


def draw_forms(case: Case, rng: np.random.Generator) -> tuple[dict[str, BodyForm], dict[str, Joint]]:
    """Bodies from S3 upwards to T9 by name, and the joints above them by name ("S2/S3" first)."""
    shape = load_column_shape()
    size = _mean_depth(case.patient, rng)
    drawn, drawn_joints = shape.draw(np.radians(case.lordosis_deg), rng)
    forms = {name: body.scaled(size) for name, body in zip(LEARNED_BODIES, drawn, strict=True)}
    names = [f"{above}/{below}" for below, above in zip(LEARNED_BODIES[:-1], LEARNED_BODIES[1:], strict=True)]
    joints = {
        name: _healthy(joint, mean, HEALTHY_GAP[name]).scaled(size)
        for name, joint, mean in zip(names, drawn_joints, shape.mean_joints, strict=True)
    }
    _add_thoracic(forms, joints, size, rng)
    forms, joints = _add_sacral(forms, joints, size, rng)
    _make_transitional(forms, joints, case, size)
    for name, state in case.vertebrae.items():
        if name in forms:
            forms[name] = fractured(forms[name], state)
    for name in joints:
        _degenerate(forms, joints, name, case)
    _balance(forms, joints, np.radians(case.lordosis_deg))
    return forms, joints


def _mean_depth(patient: Patient, rng: np.random.Generator) -> float:
    stature = np.sqrt(patient.stature_cm / MEAN_STATURE_CM[patient.sex])
    own = np.clip(rng.standard_normal(), -2, 2) * DEPTH_SPREAD
    return float(MEAN_DEPTH_MM[patient.sex] * stature * np.exp(own))


def _healthy(joint: Joint, mean: Joint, gap: float) -> Joint:
    """The joint as it was before the degeneration of the patients from whom the model was learned."""
    height = gap * np.clip(1 + OWN_VARIATION * (joint.height / mean.height - 1), 0.8, 1.25)
    slip = mean.slip + np.clip(OWN_VARIATION * (joint.slip - mean.slip), -HEALTHY_SLIP, HEALTHY_SLIP)
    return Joint(height, joint.wedge, slip)


def _add_thoracic(forms: dict, joints: dict, size: float, rng: np.random.Generator) -> None:
    """T12 to T9, each from the body below it."""
    below = "L1"
    tallness = joints["L1/L2"].height / (HEALTHY_GAP["L1/L2"] * size)
    for name, (depth, height, wedge) in THORACIC.items():
        form, own = forms[below], rng.normal(0, 1, 3).clip(-2, 2)
        forms[name] = replace(
            form,
            depth=form.depth * depth,
            height=form.height * height * (1 + 0.02 * own[0]),
            wedge=np.radians(wedge + THORACIC_WEDGE_DEG * own[1]),
            taper=form.taper / 2,
            skew=form.skew / 2,
            walls=form.walls * 0.95,
        )
        joint = f"{name}/{below}"
        joints[joint] = Joint(HEALTHY_GAP[joint] * size * tallness, np.radians(0.5 + own[2]), joints["L1/L2"].slip)
        below = name


def _add_sacral(forms: dict, joints: dict, size: float, rng: np.random.Generator) -> tuple[dict, dict]:
    """S2 and S3, each from the body above it; their ends, once joined by a disc, are nearly flat."""
    above, remnants = "S1", {}
    forms["S1"] = replace(forms["S1"], walls=forms["S1"].walls * np.array([1, 0.3, 1, 1])[:, None])
    for name, (height, wedge) in SACRAL.items():
        form, own = forms[above], rng.normal(0, 1, 3).clip(-2, 2)
        upper = 0.95 * (form.depth - form.taper / 2)
        forms[name] = BodyForm(
            depth=upper * (1 + SACRAL_TAPER) / 2,
            height=form.height * height * (1 + 0.04 * own[0]),
            wedge=np.radians(wedge + 2 * own[1]),
            taper=upper * (1 - SACRAL_TAPER),
            skew=0.0,
            walls=0.5 * form.walls,
        )
        remnants[f"{above}/{name}"] = Joint(REMNANT[0] * size, np.radians(REMNANT[1] + own[2]), 0.0)
        above = name
    order = [*reversed(SACRAL), *(name for name in forms if name not in SACRAL)]
    return {name: forms[name] for name in order}, dict(reversed(remnants.items())) | joints


def _make_transitional(forms: dict, joints: dict, case: Case, size: float) -> None:
    """L5 grown to the sacrum over a rudimentary disc, or S1 freed from it by a disc of its own."""
    if case.transitional == "sacralized":
        disc, last, sacrum = joints["L5/S1"], forms["L5"], forms["S1"]
        joints["L5/S1"] = replace(disc, height=0.45 * disc.height, wedge=0.35 * disc.wedge, slip=0.0)
        forms["L5"] = replace(last, depth=0.96 * last.depth, wedge=0.6 * last.wedge, taper=0.14 * last.depth)
        forms["S1"] = replace(sacrum, depth=0.94 * sacrum.depth, taper=0.6 * sacrum.taper)
    elif case.transitional == "lumbarized":
        disc, sacrum, second = joints["S1/S2"], forms["S1"], forms["S2"]
        joints["S1/S2"] = replace(disc, height=0.19 * size, wedge=np.radians(8.0))
        upper = sacrum.depth + sacrum.taper / 2
        forms["S1"] = replace(sacrum, depth=0.96 * upper, taper=0.08 * upper, wedge=sacrum.wedge / 2)
        forms["S2"] = replace(second, depth=0.74 * upper, taper=0.32 * upper)


def fractured(form: BodyForm, state: VertebraState) -> BodyForm:
    """A body after a compression fracture: a wedge loses height in front, a biconcave one in its middle."""
    if state.fracture == "wedge":
        lost = state.fracture_loss * (form.height + form.depth * np.tan(form.wedge / 2))
        return replace(form, height=form.height - lost / 2, wedge=form.wedge - 2 * np.arctan(lost / 2 / form.depth))
    if state.fracture == "biconcave":
        dip = state.fracture_loss * form.height / 2 * (1 - ALONG**4) ** 2
        return replace(form, walls=form.walls - np.stack([dip, dip, 0 * dip, 0 * dip]))
    return form


def _degenerate(forms: dict, joints: dict, name: str, case: Case) -> None:
    """Narrow a disc, by flattening its endplates as much as bringing them together, and let the body above slip."""
    above, below = name.split("/")
    state, joint = case.disc(name), joints[name]
    factor = state.height_factor
    joints[name] = replace(
        joint, height=factor * joint.height, wedge=factor * joint.wedge, slip=joint.slip + state.slip_mm
    )
    if factor < 1:
        forms[above] = replace(forms[above], walls=forms[above].walls * np.array([1, factor, 1, 1])[:, None])
        forms[below] = replace(forms[below], walls=forms[below].walls * np.array([factor, 1, 1, 1])[:, None])


def _room(forms: dict, joints: dict, name: str) -> float:
    """How far a joint can be wedged before its thin side is as thin as a disc may be."""
    above, below = (forms[body] for body in name.split("/"))
    depth = (above.depth - above.taper / 2 + below.depth + below.taper / 2) / 2
    return float(2 * np.arctan(max(joints[name].height - THINNEST_MM, 0.0) / depth))


def _balance(forms: dict, joints: dict, lordosis: float) -> None:
    """Make the angle between the upper endplates of L1 and S1 what it shall be, by the discs as far as they can."""
    for name, joint in joints.items():
        room = _room(forms, joints, name)
        joints[name] = replace(joint, wedge=float(np.clip(joint.wedge, -room, room)))
    lumbar = LEARNED_BODIES[1:]
    discs = [name for name in joints if name.split("/")[0] in lumbar]
    missing = lordosis - sum(forms[name].wedge for name in lumbar) - sum(joints[name].wedge for name in discs)
    way = np.sign(missing)
    rooms = {name: _room(forms, joints, name) - way * joints[name].wedge for name in discs}
    share = min(abs(missing) / max(sum(rooms.values()), 1e-9), 1.0)
    for name, room in rooms.items():
        joints[name] = replace(joints[name], wedge=joints[name].wedge + way * share * room)
    left = (missing - way * share * sum(rooms.values())) / (len(lumbar) + 1)
    for name in lumbar:
        forms[name] = replace(forms[name], wedge=forms[name].wedge + (2 * left if name == "L5" else left))
