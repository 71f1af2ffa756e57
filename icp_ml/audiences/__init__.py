"""Scored accounts as the files that advertising platforms and CRMs take."""

from icp_ml.audiences.export import AudienceRequest, AudienceSummary, export_audience

__all__ = ["AudienceRequest", "AudienceSummary", "export_audience"]
