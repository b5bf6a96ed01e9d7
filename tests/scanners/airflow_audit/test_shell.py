"""DAG files whose tasks run a shell with parameters, and those that do not."""

from __future__ import annotations

import pytest

from compline.scanners.airflow.shell import NotParsed, shell_tasks

GIVEN = "def t(**context):\n    os.popen(context['params'])\n"
HANDED = "def t(x):\n    os.system(x)\nPythonOperator(python_callable=t, op_kwargs={'x': '%s'})"
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
    "renamed": 'from x import BashOperator as B\nB(task_id="t", bash_command="{{ params.x }}")',
    "task renamed": "from airflow.sdk import task as a\n@a.bash\ndef t(params):\n    return params",
    "imported": "from os import system\n@task\ndef t(params):\n    system(params['x'])",
    "by name": "@task\ndef t(params):\n    subprocess.run(args=params['x'], shell=True)",
    "bash -c": "@task\ndef t(params):\n    subprocess.run(['/bin/bash', '-ec', f'ls {params}'])",
    "callable": f"{GIVEN}PythonOperator(python_callable=t)\n",
    "handed over": HANDED % "{{ params.x }}",
}  # fmt: skip
GOOD = {
    "constant": 'BashOperator(task_id="t", bash_command="echo {{ ds }}")',
    "environment": 'BashOperator(task_id="t", bash_command="echo $X", env={"X": "{{ params.x }}"})',
    "other operator": 'PythonOperator(task_id="t", op_args=["{{ params.x }}"])',
    "decorated": "@task.bash\ndef t(name):\n    return 'ls /data'",
    "list": "@task\ndef t(params):\n    subprocess.run(['ls', params['x']])",
    "bash -c with arguments": "@task\ndef t(params):\n    run(['sh', '-c', 'ls $1', 'x', params])",
    "handed a constant": HANDED % "{{ ds }}",
    "no task": "def t(params):\n    os.system(params)",
}  # fmt: skip


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
