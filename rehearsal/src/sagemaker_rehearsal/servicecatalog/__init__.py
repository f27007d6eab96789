"""Steps 1 to 3: Service Catalog: the operations team publishes products, project leads provision them."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.servicecatalog import portfolios, products, provisioning
from sagemaker_rehearsal.servicecatalog.state import Catalogue, of
from sagemaker_rehearsal.servicecatalog.types import RESOURCE_TYPES

__all__ = ["SERVICE", "Catalogue", "of"]

SERVICE = Service(
    "servicecatalog", operations=collect(portfolios, products, provisioning), resource_types=RESOURCE_TYPES
)
