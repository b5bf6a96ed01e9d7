"""bandit's tests in our words: its own messages may quote the password that they warn of."""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """What people read of one of bandit's tests."""

    name: str
    """By which a comment may name it."""
    title: str
    remediation: str


_DESERIALISE = "Read data in a format that carries no code: JSON, safetensors, Parquet."
_XML = "Parse with defusedxml, which refuses entities and external references."
_CLEARTEXT = "Use a protocol that is encrypted: SSH, SFTP, HTTPS."
_CREDENTIAL = (
    "Take it from the environment or a secret store, and change the one that was written down."
)
_NO_SHELL = "Pass the arguments as a list, without a shell."
_REVIEW = "Make sure that nothing from outside decides which program runs or what it is given."
_ESCAPE = "Let the template engine escape the value, or sanitise it first."
_TLS = "Use ssl.create_default_context(), which refuses outdated protocols."
_CIPHER = "Use AES-GCM or ChaCha20-Poly1305 of the package cryptography."
_HASH = "Use SHA-256 or better, a password hash for passwords; else say usedforsecurity=False."
_SNMP = "Use SNMPv3 with authentication and privacy."
_BIND = "Bind parameters instead of putting values into the statement."

RULES: dict[str, Told] = {
    "B101": Told(
        "assert_used",
        "An assert is left out when Python optimises",
        "Raise an exception where the check must hold in production.",
    ),
    "B102": Told(
        "exec_used", "exec runs text as code", "Call the function that is meant, by a fixed table."
    ),
    "B103": Told(
        "set_bad_file_permissions",
        "A file is made accessible to everybody",
        "Grant 0o600 or 0o640.",
    ),
    "B104": Told(
        "hardcoded_bind_all_interfaces",
        "A server listens on all interfaces",
        "Bind to the address that is meant to be reached.",
    ),
    "B105": Told("hardcoded_password_string", "A password is written in the source", _CREDENTIAL),
    "B106": Told(
        "hardcoded_password_funcarg",
        "A password is written as an argument in the source",
        _CREDENTIAL,
    ),
    "B107": Told(
        "hardcoded_password_default", "A password is the default of a parameter", _CREDENTIAL
    ),
    "B108": Told(
        "hardcoded_tmp_directory",
        "A fixed name in a temporary directory that all share",
        "Use the module tempfile, which makes names that nobody can foresee.",
    ),
    "B110": Told("try_except_pass", "An exception is swallowed", "Handle it, or log it."),
    "B112": Told(
        "try_except_continue", "An exception is swallowed in a loop", "Handle it, or log it."
    ),
    "B113": Told("request_without_timeout", "A request without a time limit", "Give a timeout."),
    "B201": Told(
        "flask_debug_true",
        "Flask runs with its debugger, which lets visitors run code",
        "Leave debug out, and serve the application with a WSGI server.",
    ),
    "B202": Told(
        "tarfile_unsafe_members",
        "An archive is unpacked without looking at its members",
        'Give filter="data", or check each member\'s path.',
    ),
    "B301": Told("pickle", "Data is unpickled, which can run code", _DESERIALISE),
    "B302": Told(
        "marshal", "Data is read with marshal, which is not made for untrusted data", _DESERIALISE
    ),
    "B303": Told("md5", "A weak hash function", _HASH),
    "B304": Told("ciphers", "A weak cipher", _CIPHER),
    "B305": Told("cipher_modes", "A cipher mode without protection", _CIPHER),
    "B306": Told("mktemp_q", "mktemp names a file that another may make first", "Use mkstemp."),
    "B307": Told("eval", "eval runs text as code", "Use ast.literal_eval, or parse the text."),
    "B308": Told("mark_safe", "Text is marked as safe HTML", _ESCAPE),
    "B310": Told(
        "urllib_urlopen",
        "urlopen also opens local files",
        "Allow only the schemes https and http before opening.",
    ),
    "B311": Told(
        "random", "Random numbers that can be foretold", "Use the module secrets for secrets."
    ),
    "B312": Told("telnetlib", "Telnet sends everything in clear text", _CLEARTEXT),
    "B313": Told("xml_bad_cElementTree", "XML is parsed with a parser open to attacks", _XML),
    "B314": Told("xml_bad_ElementTree", "XML is parsed with a parser open to attacks", _XML),
    "B315": Told("xml_bad_expatreader", "XML is parsed with a parser open to attacks", _XML),
    "B316": Told("xml_bad_expatbuilder", "XML is parsed with a parser open to attacks", _XML),
    "B317": Told("xml_bad_sax", "XML is parsed with a parser open to attacks", _XML),
    "B318": Told("xml_bad_minidom", "XML is parsed with a parser open to attacks", _XML),
    "B319": Told("xml_bad_pulldom", "XML is parsed with a parser open to attacks", _XML),
    "B321": Told("ftplib", "FTP sends everything in clear text", _CLEARTEXT),
    "B323": Told(
        "unverified_context", "Certificates are not checked", "Use ssl.create_default_context()."
    ),
    "B324": Told("hashlib_insecure_functions", "A weak hash function", _HASH),
    "B401": Told("import_telnetlib", "telnetlib is imported", _CLEARTEXT),
    "B402": Told("import_ftplib", "ftplib is imported", _CLEARTEXT),
    "B403": Told("import_pickle", "pickle or its like is imported", _DESERIALISE),
    "B404": Told("import_subprocess", "subprocess is imported", _REVIEW),
    "B405": Told("import_xml_etree", "xml.etree is imported", _XML),
    "B406": Told("import_xml_sax", "xml.sax is imported", _XML),
    "B407": Told("import_xml_expat", "xml.expat is imported", _XML),
    "B408": Told("import_xml_minidom", "xml.minidom is imported", _XML),
    "B409": Told("import_xml_pulldom", "xml.pulldom is imported", _XML),
    "B411": Told("import_xmlrpclib", "xmlrpc is imported", _XML),
    "B412": Told(
        "import_httpoxy",
        "wsgiref's CGI handler is imported (httpoxy)",
        "Serve with WSGI, not with CGI.",
    ),
    "B413": Told("import_pycrypto", "pycrypto is imported, which nobody maintains", _CIPHER),
    "B415": Told(
        "import_pyghmi",
        "pyghmi is imported: IPMI is an insecure protocol",
        "Keep IPMI off the network.",
    ),
    "B501": Told(
        "request_with_no_cert_validation",
        "Certificates are not checked",
        "Leave verify as it is, or name a CA bundle.",
    ),
    "B502": Told("ssl_with_bad_version", "An outdated TLS protocol", _TLS),
    "B503": Told("ssl_with_bad_defaults", "An outdated TLS protocol as a default", _TLS),
    "B504": Told("ssl_with_no_version", "TLS without a least version", _TLS),
    "B505": Told(
        "weak_cryptographic_key",
        "A key that is too short",
        "Use at least 2048 bits for RSA, 256 for curves.",
    ),
    "B506": Told(
        "yaml_load", "YAML is loaded with a loader that makes objects", "Use yaml.safe_load."
    ),
    "B507": Told(
        "ssh_no_host_key_verification",
        "SSH host keys are not checked",
        "Load the known hosts, and refuse others.",
    ),
    "B508": Told("snmp_insecure_version", "An SNMP version without protection", _SNMP),
    "B509": Told("snmp_weak_cryptography", "SNMPv3 without encryption or authentication", _SNMP),
    "B601": Told(
        "paramiko_calls",
        "A command for a remote shell is put together",
        "Quote each part: shlex.quote.",
    ),
    "B602": Told(
        "subprocess_popen_with_shell_equals_true", "A process is started through a shell", _NO_SHELL
    ),
    "B603": Told("subprocess_without_shell_equals_true", "A process is started", _REVIEW),
    "B604": Told(
        "any_other_function_with_shell_equals_true",
        "A function is called with shell=True",
        _NO_SHELL,
    ),
    "B605": Told("start_process_with_a_shell", "A process is started with a shell", _NO_SHELL),
    "B606": Told("start_process_with_no_shell", "A process is started without a shell", _REVIEW),
    "B607": Told(
        "start_process_with_partial_path",
        "A program is started by a name that PATH decides",
        "Give its absolute path.",
    ),
    "B608": Told(
        "hardcoded_sql_expressions", "An SQL statement is put together from strings", _BIND
    ),
    "B609": Told(
        "linux_commands_wildcard_injection",
        "A wildcard in a command of the shell",
        "List the files in Python.",
    ),
    "B610": Told("django_extra_used", "Django's extra() takes SQL", _BIND),
    "B611": Told("django_rawsql_used", "Django's RawSQL takes SQL", _BIND),
    "B612": Told(
        "logging_config_insecure_listen",
        "logging.config.listen runs what it receives",
        "Give verify, which checks what is received, or do not listen.",
    ),
    "B613": Told(
        "trojansource",
        "Characters that turn the direction of text hide code",
        "Remove them; look at the history of the line.",
    ),
    "B614": Told(
        "pytorch_load", "torch.load unpickles, which can run code", "Give weights_only=True."
    ),
    "B615": Told(
        "huggingface_unsafe_download",
        "Something is taken from a model hub without a fixed revision",
        "Give the full commit id as the revision.",
    ),
    "B701": Told(
        "jinja2_autoescape_false", "Jinja2 without escaping", "Give autoescape=select_autoescape()."
    ),
    "B702": Told("use_of_mako_templates", "Mako does not escape by default", _ESCAPE),
    "B703": Told("django_mark_safe", "Text is marked as safe HTML", _ESCAPE),
    "B704": Told("markupsafe_markup_xss", "Text is marked as safe HTML", _ESCAPE),
}


NAMES = frozenset(RULES) | {each.name for each in RULES.values()}
"""All that a comment may name."""


def told(test_id: str, test_name: str) -> Told:
    """Title and remediation of a test; of one that is not known here, by its name."""
    return RULES.get(test_id) or Told(
        test_name, test_name.replace("_", " "), "Read what bandit's documentation says of it."
    )
