"""Steps 3, 4 and 6: EventBridge (rules, events, delivery) and EventBridge Scheduler."""

from sagemaker_rehearsal.events import requests, scheduler
from sagemaker_rehearsal.events.bus import Bus, Delivery, of, publish
from sagemaker_rehearsal.events.schedules import schedule_now
from sagemaker_rehearsal.events.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

__all__ = ["SERVICE", "Bus", "Delivery", "of", "publish", "schedule_now"]

SERVICE = Service("events", operations=collect(requests, scheduler), resource_types=RESOURCE_TYPES)
