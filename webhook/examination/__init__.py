"""`doctor`: reads everything between SES and here, and says what is not as it should be."""

from webhook.examination.examining import Examination, Examiner, Part, Scopes
from webhook.examination.reading import SAMPLE, Region

__all__ = ["SAMPLE", "Examination", "Examiner", "Part", "Region", "Scopes"]
