from anlan.kernel.files.models import Attachment
from anlan.kernel.people.roles import STAFF
from anlan.kernel.registers import Register

Register(
    Attachment,
    columns="kept_at name kind size taken_at sender subject_type subject_id area",
    filters="kind area kept_at",
    search="name",
    order="-id",
    group="大应急",
    see=(*STAFF, "inspector"),
)
