"""Steps 1 to 3: Service Catalog: what operations publish, and what leads provision of it.

Importing this registers its operations and resource types, and those of buckets and IAM.
"""

from sagemaker_rehearsal import resource_types
from sagemaker_rehearsal.servicecatalog import portfolios, products, provisioning, types
from sagemaker_rehearsal.servicecatalog.state import Catalogue, of

__all__ = ["Catalogue", "of", "portfolios", "products", "provisioning", "resource_types", "types"]
