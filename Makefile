# Every verb of the project; the programs behind them are in tools/ (standard library only).
PYTHON ?= python3
export HOST PORT ARGS

.PHONY: help run test check audit bench demo-reset lock show-access show-audit show-main-line python
.DEFAULT_GOAL := help

help: ## 显示本帮助
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: python ## 启动演示门户（PORT=8000 HOST=127.0.0.1），按 Ctrl-C 停止
	@$(PYTHON) -m tools.run

test: python ## 运行全部测试（ARGS="tests/test_x.py -k 名称" 传给 pytest）
	@$(PYTHON) -m tools.test

check: python ## 静态检查与快速测试，一分钟以内
	@$(PYTHON) -m tools.check

audit: python ## 检查锁定的依赖有无已知漏洞（需要联网）
	@$(PYTHON) -m tools.audit

bench: python ## 测量页面、文书与探测的耗时
	@$(PYTHON) -m tools.bench

demo-reset: python ## 清空演示数据并重新载入
	@$(PYTHON) -m tools.demo_reset

lock: python ## 由 requirements*.in 与 package.json 重新生成锁定文件
	@$(PYTHON) -m tools.lock

show-audit: python ## 用各种办法改动审计日志，看是否都被发现，末行为数字
	@$(PYTHON) -m tools.show_audit

show-access: python ## 走查每个页面的权限，并以一万例对照可见范围，末行为数字
	@$(PYTHON) -m tools.show_access

show-main-line: python ## 只走一遍主线（五个人、一个案件），末行为数字
	@$(PYTHON) -m tools.main_line

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "需要 Python 3.11 或更新版本，例如：make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12" >&2; exit 1; }
