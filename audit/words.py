"""What the acts of the trail are called on screen. The moves of lifecycles name themselves."""

from typing import Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from audit.lifecycle import LIFECYCLES
from audit.models import AuditEvent

_ACTS: Final = {
    "access.denied": "越权访问被拒绝",
    "account.activate": "启用账号",
    "account.create": "建立账号",
    "account.deactivate": "停用账号",
    "account.hand_over": "办理人员交接",
    "account.invite": "发放报送邀请函",
    "account.join": "启用账号（接受邀请）",
    "account.join_failed": "邀请码错误",
    "account.lock": "锁定登录",
    "account.login": "登录",
    "account.login_failed": "登录失败",
    "account.logout": "退出登录",
    "account.password_change": "修改口令",
    "account.recovery_codes": "生成恢复码",
    "account.password_wrong": "口令核对错误",
    "account.reset_password": "重置口令",
    "account.sessions_end": "结束登录",
    "account.certificate_add": "绑定证书",
    "account.certificate_failed": "证书未通过",
    "account.certificate_remove": "移除证书",
    "account.unified_failed": "统一身份认证登录失败",
    "account.unified_link": "绑定统一身份认证",
    "account.unified_unlink": "解除统一身份认证绑定",
    "account.unlock": "解除登录锁定",
    "account.withdraw_invitation": "收回邀请",
    "audit.archive": "归档审计日志",
    "audit.ask": "要求核验审计日志",
    "audit.verify": "核验审计日志",
    "authorization.download": "下载授权书盖章件",
    "account.second_factor": "通过二次验证",
    "account.second_factor_add": "添加二次验证方式",
    "account.second_factor_failed": "二次验证失败",
    "account.second_factor_remove": "移除二次验证方式",
    "account.second_factor_reset": "解除二次验证",
    "authorization.draft": "起草探测授权书",
    "authorization.print": "打印探测授权书",
    "campaign.create": "新建专项行动",
    "campaign.update": "修改专项行动",
    "config.change": "门户配置变更",
    "contradiction.decide": "裁定疑点",
    "contradiction.explain": "说明疑点",
    "destruction.approve": "批准销毁文件",
    "destruction.propose": "提出销毁文件",
    "destruction.refuse": "退回文件销毁清单",
    "document.download": "下载文书",
    "document.freeze": "生成文书",
    "evidence.add": "上传佐证",
    "evidence.download": "下载佐证",
    "evidence.remove": "移除佐证",
    "extension.ask": "申请延期",
    "extension.decide": "审批延期",
    "finding.confirm": "确认问题",
    "finding.recheck": "记录复查",
    "finding.rescan": "发起复测",
    "grant.request": "申请授权",
    "inventory.import": "批量导入台账",
    "invitation.print": "打印报送告知单",
    "list.export": "导出清单",
    "notice.draft": "拟稿",
    "notice.preview": "查看预览稿",
    "notice.scan": "上传盖章件",
    "notice_scan.download": "下载通知盖章件",
    "office.create": "登记监管机关",
    "office.restore": "恢复监管机关",
    "office.retire": "停用监管机关",
    "office.update": "修改监管机关",
    "registration.proof": "下载注册证明材料",
    "registration.submit": "提交注册申请",
    "remark.reply": "说明退回意见",
    "reply.evidence": "上传整改佐证",
    "reply_evidence.download": "下载整改佐证",
    "report.issue": "出具整改报告",
    "report.write": "填写整改报告",
    "scan.command": "命令行探测",
    "scan.finish": "完成探测",
    "scan.request": "申请探测",
    "selfcheck.call": "记录催报通话",
    "selfcheck.print": "打印自查表",
    "selfcheck.sign_failed": "审签口令错误",
    "selfcheck.signoff": "签署自查表",
    "signoff.download": "下载盖章件",
    "system.register": "登记邮件系统",
    "system.retire": "停用邮件系统",
    "system.update": "修改邮件系统",
    "unit.delegate": "授权查阅单位",
    "unit.delegate_end": "结束授权查阅",
    "unit.read": "查阅单位资料",
    "unit.register": "登记单位",
    "unit.superior": "设定上级单位",
    "unit.transfer": "移交单位",
    "unit.transfer_decline": "不予接收单位",
    "unit.transfer_propose": "提请移交单位",
    "unit.transfer_withdraw": "撤回移交",
    "unit.update": "修改单位",
}
RESULTS: Final = {"ok": "成功", "denied": "被拒绝", "failed": "失败"}


def _moves() -> dict[str, str]:
    """The moves of all lifecycles with their object: 整改通知：批准并编号."""
    found = {}
    for lifecycle in LIFECYCLES.values():
        model = apps.get_model(lifecycle.change_model)._meta.get_field("subject").related_model
        for step in lifecycle:
            name = f"{model._meta.verbose_name}：{step.label}"
            found[f"{lifecycle.noun}.{step.action}"] = name
    return found


def acts() -> dict[str, str]:
    """Every act that the portal records, slug → words, in the order of the words' objects."""
    return dict(sorted((_ACTS | _moves()).items()))


def same_words(slug: str) -> list[str]:
    """All slugs that read as this one does: two moves of one label are one act to a reader."""
    return [other for other, label in acts().items() if label == act(slug)]


def choices() -> list[tuple[str, str]]:
    """Every act once by its words, for a list to choose from; the first slug stands for all."""
    first: dict[str, str] = {}
    for slug, label in acts().items():
        first.setdefault(label, slug)
    return [(slug, label) for label, slug in first.items()]


def status(label: str, slug: str) -> str:
    """What a state is called on screen: of `rectification.notice`, served → 已送达."""
    try:
        choices_ = apps.get_model(label)._meta.get_field("status").flatchoices if label else []
    except (LookupError, ValueError, FieldDoesNotExist):
        return slug
    return str(dict(choices_).get(slug, slug))


def act(slug: str) -> str:
    """The words for one act; the slug itself for one that this version no longer knows."""
    return acts().get(slug, slug)


def kinds() -> list[tuple[str, str]]:
    """Every kind of object in the trail, label → words, for a list to choose from."""
    found = AuditEvent.objects.all().object_types()
    return sorted(((label, object_kind(label)) for label in found), key=lambda pair: pair[1])


def object_kind(label: str) -> str:
    """What an object is called: `rectification.notice` → 整改通知; "" for acts without one."""
    try:
        return str(apps.get_model(label)._meta.verbose_name) if label else ""
    except (LookupError, ValueError):
        return label
