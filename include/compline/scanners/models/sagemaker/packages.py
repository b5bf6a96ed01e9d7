"""What SageMaker's description of a model package says of its files and its origin. Pure.

Shapes: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compline.scanners.models.places.bucket_parts import Part

_METADATA = {"CommitId": "commit", "Repository": "repository", "GeneratedBy": "source"}
_OWN = ("commit", "dataset", "license", "repository", "run", "source")
"""Names that a customer's metadata may have, as MLflow's tags."""


def parts_of(told: Mapping[str, Any]) -> tuple[Part, ...]:
    """Every part once; none where no container is told of."""
    found: dict[tuple[str, bool], Part] = {}
    for number, (uri, folder) in enumerate(_data(told), 1):
        key = (uri or f"{number}", folder)
        found.setdefault(key, Part(uri, folder, number))
    return tuple(found.values())


def origin_of(told: Mapping[str, Any]) -> Mapping[str, str]:
    """Of MetadataProperties, and of the customer's own metadata, which comes first."""
    said = told.get("MetadataProperties") or {}
    own = told.get("CustomerMetadataProperties") or {}
    known = {name: str(said[key]) for key, name in _METADATA.items() if said.get(key)}
    return {**known, **{name: str(own[name]) for name in _OWN if own.get(name)}}


def _data(told: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    specifications = [told.get("InferenceSpecification") or {}]
    specifications += told.get("AdditionalInferenceSpecifications") or ()
    for specification in specifications:
        for container in specification.get("Containers") or ():
            yield _model_data(container)
            more = container.get("AdditionalS3DataSource")
            if more:
                yield _source(more)
    for algorithm in (told.get("SourceAlgorithmSpecification") or {}).get("SourceAlgorithms") or ():
        yield _model_data(algorithm)


def _model_data(container: Mapping[str, Any]) -> tuple[str, bool]:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source:
        return _source(source)
    uri = str(container.get("ModelDataUrl") or "")
    return uri, uri.endswith("/")


def _source(source: Mapping[str, Any]) -> tuple[str, bool]:
    uri = str(source.get("S3Uri") or "")
    return uri, source.get("S3DataType") == "S3Prefix" or uri.endswith("/")
