"""torchvision, also where its compiled operators do not load.

The Linux build of torchvision on PyPI is made for CUDA; beside a torch for CPUs alone its Python part could be used,
but importing it fails since its operators are missing. Of these the detector needs two, non-maximum suppression and the
alignment of regions, and both are a few lines of plain torch. So the recipes import torchvision from here: where its
own operators load they are used, elsewhere ours are. That saves a CUDA build of 5 GB where nothing but a test of the
detector would use it. `from ModicGraderLib.recipes.vision import torchvision`.
"""

from __future__ import annotations

import torch
from torch.nn import functional

_library: torch.library.Library | None = None


def _import_torchvision():
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _declare_operators()
        import torchvision
    if not torchvision.extension._has_ops():
        torchvision.ops.boxes.nms = nms
        torchvision.ops.poolers.roi_align = roi_align
    return torchvision


def _declare_operators() -> None:
    """Name the operators whose absence keeps torchvision from being imported; nothing calls them by these names."""
    global _library
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Non-maximum suppression: indices (K,) of the boxes that stay, by falling score.

    Parameters
    ----------
    boxes:
        (N, 4) of x1, y1, x2, y2.
    scores:
        (N,).
    iou_threshold:
        A box that overlaps one of a higher score by more than this is dropped.
    """
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    area = (sorted_boxes[:, 2:] - sorted_boxes[:, :2]).prod(1)
    corner = torch.maximum(sorted_boxes[:, None, :2], sorted_boxes[:, :2])
    opposite = torch.minimum(sorted_boxes[:, None, 2:], sorted_boxes[:, 2:])
    shared = (opposite - corner).clamp_min(0).prod(2)
    overlaps = (shared > iou_threshold * (area[:, None] + area - shared)).cpu().numpy()
    stays = torch.ones(len(order), dtype=torch.bool)
    for number in range(len(order)):
        if stays[number]:
            stays[number + 1 :] &= ~torch.from_numpy(overlaps[number, number + 1 :])
    return order[stays.to(order.device)]


def roi_align(
    input: torch.Tensor,
    boxes: torch.Tensor | list[torch.Tensor],
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = False,
) -> torch.Tensor:
    """Features of regions, read at regular points between pixels and averaged (He 2017, Mask R-CNN, section 3).

    As `torchvision.ops.roi_align`, for a fixed number of points in each bin.

    Parameters
    ----------
    input:
        (N, C, H, W) features of pictures.
    boxes:
        (K, 5) of picture, x1, y1, x2, y2, or such boxes (K, 4) for each picture.
    output_size:
        (rows, columns) of bins.
    spatial_scale:
        Of the features against the boxes.
    sampling_ratio:
        Points along each side of a bin.
    aligned:
        Whether coordinates name pixels' corners and not their centers.

    Returns
    -------
    torch.Tensor
        (K, C, rows, columns).
    """
    if isinstance(boxes, (list, tuple)):
        number = [torch.full_like(some[:, :1], picture) for picture, some in enumerate(boxes)]
        boxes = torch.cat([torch.cat(number), torch.cat(list(boxes))], 1)
    rows, columns = output_size
    points = max(int(sampling_ratio), 1)
    shift = 0.5 if aligned else 0.0
    corner, opposite = (boxes[:, side] * spatial_scale - shift for side in (slice(1, 3), slice(3, 5)))
    size = opposite - corner
    if not aligned:
        size = size.clamp_min(1.0)
    across, down = (
        corner[:, axis, None]
        + (torch.arange(count * points, device=boxes.device) + 0.5) / (count * points) * size[:, axis, None]
        for axis, count in ((0, columns), (1, rows))
    )
    height, width = input.shape[2:]
    out = input.new_zeros(len(boxes), input.shape[1], rows, columns)
    for picture in boxes[:, 0].unique():
        own = torch.nonzero(boxes[:, 0] == picture)[:, 0]
        # Points up to one pixel outside count as lying on the border, those farther away as zero.
        x, y = across[own][:, None, :], down[own][:, :, None]
        inside = ((x > -1) & (x < width) & (y > -1) & (y < height)).to(input.dtype)
        grid = torch.stack(
            torch.broadcast_tensors(
                2 * x.clamp(0, width - 1) / max(width - 1, 1) - 1, 2 * y.clamp(0, height - 1) / max(height - 1, 1) - 1
            ),
            -1,
        )
        read = functional.grid_sample(input[int(picture)][None], grid.flatten(0, 1)[None], align_corners=True)
        read = read[0].unflatten(1, (len(own), rows * points)).transpose(0, 1) * inside[:, None]
        out[own] = functional.avg_pool2d(read, points)
    return out


torchvision = _import_torchvision()
