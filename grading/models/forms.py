"""What a round's notice calls its forms: the number printed above each, and its title."""

from dataclasses import dataclass

from django.db import models
from django.db.models import Q

from grading.models.round import Round


class RoundForm(models.Model):
    """Number and title of one form of a round. A form without a row has no number and its plain title."""

    class Kind(models.TextChoices):
        ANNEX4 = "annex4", "每个党支部一张的定级表"
        ANNEX5 = "annex5", "定级汇总表"
        PROMOTION = "promotion", "晋位升级情况表"
        ANNEX6 = "annex6", "整改汇总表"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="forms", verbose_name="轮次")
    kind = models.CharField("报表", max_length=20, choices=Kind.choices)
    number = models.CharField("编号", max_length=12, blank=True)
    title = models.CharField("名称", max_length=40)

    class Meta:
        verbose_name = verbose_name_plural = "报表名称"
        ordering = ("round", "kind")
        constraints = (
            models.UniqueConstraint(fields=["round", "kind"], name="form_kind_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["annex4", "annex5", "promotion", "annex6"]), name="form_kind_known"
            ),
            models.CheckConstraint(condition=~Q(title=""), name="form_title_given"),
        )

    def __str__(self) -> str:
        return FormName(self.number, self.title).label


#: What a form is called where a notice says nothing.
PLAIN_TITLES: dict[str, str] = {
    RoundForm.Kind.ANNEX4: "党支部分类定级表",
    RoundForm.Kind.ANNEX5: "党支部分类定级汇总表",
    RoundForm.Kind.PROMOTION: "党支部晋位升级情况表",
    RoundForm.Kind.ANNEX6: "党支部整改汇总表",
}


@dataclass(frozen=True, slots=True)
class FormName:
    """Number, "" for none, and title of a form, without the school's name."""

    number: str
    title: str

    @property
    def label(self) -> str:
        """Return number and title: 附件5 党支部分类定级汇总表."""
        return f"{self.number} {self.title}".strip()

    @property
    def short(self) -> str:
        """Return what the form is called in a sentence: its number, else its title."""
        return self.number or self.title


def form_names(round_: Round) -> dict[str, FormName]:
    """Return what a round calls each of its forms, by kind."""
    plain = {str(kind): FormName("", title) for kind, title in PLAIN_TITLES.items()}
    return plain | {row.kind: FormName(row.number, row.title) for row in round_.forms.all()}
