"""Steps 3, 4 and 6: EventBridge: rules, events and their delivery, and EventBridge Scheduler."""

from sagemaker_rehearsal.events import requests, scheduler, types  # noqa: F401 (register their operations and types)
from sagemaker_rehearsal.events.bus import Bus, Delivery, of, publish
from sagemaker_rehearsal.events.schedules import schedule_now

__all__ = ["Bus", "Delivery", "of", "publish", "schedule_now"]
