"""DAG files whose tasks run a shell with parameters, and those that do not."""

from __future__ import annotations

import pytest

from compline.scanners.airflow.shell import NotParsed, shell_tasks

BAD = {
    "templated": 'BashOperator(task_id="t", bash_command="echo {{ params.x }}")',
    "conf": "BashOperator(task_id='t', bash_command='echo {{ dag_run.conf[\"x\"] }}')",
    "statement": 'BashOperator(task_id="t", bash_command="{% if params.x %}x{% endif %}")',
    "handed on": 'SSHOperator(task_id="t", command="run {{ ti.xcom_pull(task_ids=1) }}")',
    "name": 'CMD = "rm {{ params.x }}"\nBashOperator(task_id="t", bash_command=CMD)',
    "partial": 'BashOperator.partial(task_id="t", bash_command="x {{ params.x }}").expand(env=[])',
    "decorated": "@task.bash\ndef t(params=None):\n    return f'ls {params[\"x\"]}'",
    "derived": "@task.bash\ndef t(**kw):\n    a = kw['x']\n    b = a['x']\n    return 'ls ' + b",
    "os.system": "@task\ndef t(params):\n    os.system('ls ' + params['x'])",
    "subprocess": "@task()\ndef t(dag_run):\n    subprocess.run(f'ls {dag_run.conf}', shell=True)",
    "context": "@task\ndef t():\n    c = get_current_context()\n    os.system(c['params'])",
}  # fmt: skip
GOOD = {
    "constant": 'BashOperator(task_id="t", bash_command="echo {{ ds }}")',
    "environment": 'BashOperator(task_id="t", bash_command="echo $X", env={"X": "{{ params.x }}"})',
    "other operator": 'PythonOperator(task_id="t", op_args=["{{ params.x }}"])',
    "decorated": "@task.bash\ndef t(name):\n    return 'ls /data'",
    "list": "@task\ndef t(params):\n    subprocess.run(['ls', params['x']])",
    "no task": "def t(params):\n    os.system(params)",
}


@pytest.mark.parametrize("source", BAD.values(), ids=BAD)
def test_found(source: str) -> None:
    assert [one.task for one in shell_tasks(source)] == ["t"]


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_clean(source: str) -> None:
    assert shell_tasks(source) == []


@pytest.mark.parametrize("source", ["def (", "x = '\0'", "(" * 5000])
def test_not_python(source: str) -> None:
    with pytest.raises(NotParsed):
        shell_tasks(source)
