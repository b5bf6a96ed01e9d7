"""Cases for agent_frameworks.yaml."""

from autogen_ext.code_executors.docker import DockerCommandLineCodeExecutor
from autogen_ext.code_executors.local import LocalCommandLineCodeExecutor
from claude_agent_sdk import ClaudeAgentOptions
from crewai import Agent
from langchain.agents import load_tools
from langchain_community.agent_toolkits import FileManagementToolkit, create_sql_agent
from langchain_community.tools import ReadFileTool, ShellTool, WikipediaQueryRun
from langchain_community.utilities.requests import TextRequestsWrapper
from langchain_community.vectorstores import FAISS
from langchain_experimental.agents import create_pandas_dataframe_agent
from langchain_experimental.sql import SQLDatabaseChain
from langchain_experimental.tools import PythonREPLTool
from smolagents import CodeAgent


def terminals(llm):
    # ruleid: ai-langchain-shell-tool
    first = ShellTool()
    # ruleid: ai-langchain-shell-tool
    second = load_tools(["llm-math", "terminal"], llm=llm)
    return first, second


def terminals_mended(llm, wrapper):
    # ok: ai-langchain-shell-tool
    first = WikipediaQueryRun(api_wrapper=wrapper)
    # ok: ai-langchain-shell-tool
    second = load_tools(["llm-math", "wikipedia"], llm=llm)
    return first, second


def interpreters(llm, frame):
    # ruleid: ai-langchain-python-repl
    first = PythonREPLTool()
    # ruleid: ai-langchain-python-repl, ai-langchain-dangerous-flag
    second = create_pandas_dataframe_agent(llm, frame, allow_dangerous_code=True)
    return first, second


def interpreters_mended(llm, sandbox):
    # ok: ai-langchain-python-repl
    first = sandbox.as_tool(timeout=30)
    # ok: ai-langchain-python-repl
    second = load_tools(["llm-math"], llm=llm)
    return first, second


def flags(embeddings):
    # ruleid: ai-langchain-dangerous-flag
    first = FAISS.load_local("index", embeddings, allow_dangerous_deserialization=True)
    # ruleid: ai-langchain-dangerous-flag
    second = TextRequestsWrapper(headers={}, allow_dangerous_requests=True)
    return first, second


def flags_mended(embeddings, documents):
    # ok: ai-langchain-dangerous-flag
    first = FAISS.from_documents(documents, embeddings)
    # ok: ai-langchain-dangerous-flag
    second = TextRequestsWrapper(headers={}, allow_dangerous_requests=False)
    return first, second


def executors():
    # ruleid: ai-agent-code-on-host
    settings = {"work_dir": "coding", "use_docker": False}
    # ruleid: ai-agent-code-on-host
    local = LocalCommandLineCodeExecutor(work_dir="coding")
    # ruleid: ai-agent-code-on-host
    coder = Agent(role="coder", allow_code_execution=True, code_execution_mode="unsafe")
    return settings, local, coder


def executors_mended():
    # ok: ai-agent-code-on-host
    settings = {"work_dir": "coding", "use_docker": True}
    # ok: ai-agent-code-on-host
    container = DockerCommandLineCodeExecutor(work_dir="coding")
    # ok: ai-agent-code-on-host
    coder = Agent(role="coder", allow_code_execution=True, code_execution_mode="safe")
    return settings, container, coder


def code_agents(model):
    # ruleid: ai-agent-imports-anything
    first = CodeAgent(tools=[], model=model, additional_authorized_imports=["*"])
    # ruleid: ai-agent-imports-anything
    second = CodeAgent(tools=[], model=model, additional_authorized_imports=["numpy", "os.path"])
    return first, second


def code_agents_mended(model):
    # ok: ai-agent-imports-anything
    first = CodeAgent(tools=[], model=model, executor_type="docker")
    # ok: ai-agent-imports-anything
    second = CodeAgent(tools=[], model=model, additional_authorized_imports=["numpy", "statistics"])
    return first, second


def approvals():
    # ruleid: ai-agent-approval-bypassed
    options = ClaudeAgentOptions(permission_mode="bypassPermissions")
    # ruleid: ai-agent-approval-bypassed
    server = {"type": "mcp", "server_url": "https://mcp.example.org", "require_approval": "never"}
    return options, server


def approvals_mended():
    # ok: ai-agent-approval-bypassed
    options = ClaudeAgentOptions(permission_mode="default", allowed_tools=["Read"])
    # ok: ai-agent-approval-bypassed
    server = {"type": "mcp", "server_url": "https://mcp.example.org", "require_approval": "always"}
    return options, server


def file_tools():
    # ruleid: ai-agent-file-tools-unrooted
    first = FileManagementToolkit().get_tools()
    # ruleid: ai-agent-file-tools-unrooted
    second = ReadFileTool()
    return first, second


def file_tools_mended(folder):
    # ok: ai-agent-file-tools-unrooted
    first = FileManagementToolkit(root_dir=folder).get_tools()
    # ok: ai-agent-file-tools-unrooted
    second = ReadFileTool(root_dir=folder)
    return first, second


def databases(llm, database):
    # ruleid: ai-llm-writes-sql
    first = SQLDatabaseChain.from_llm(llm, database)
    # ruleid: ai-llm-writes-sql
    second = create_sql_agent(llm, db=database, agent_type="openai-tools")
    return first, second


def databases_mended(llm, tools, retriever):
    # ok: ai-llm-writes-sql
    first = llm.bind_tools(tools)
    # ok: ai-llm-writes-sql
    second = retriever | llm
    return first, second
