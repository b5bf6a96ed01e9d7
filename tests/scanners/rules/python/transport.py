"""Cases for rules/python/transport.yaml; read by semgrep --test, never run."""

import ftplib
import smtplib
import ssl
import telnetlib

import aiohttp
import asyncssh
import httpx
import paramiko
import requests
import urllib3


def certificates(session, url):
    # ruleid: py-tls-certificate-not-verified
    requests.get(url, verify=False)
    # ruleid: py-tls-certificate-not-verified
    httpx.AsyncClient(verify=False)
    # ruleid: py-tls-certificate-not-verified
    session.verify = False
    # ruleid: py-tls-certificate-not-verified
    context = ssl._create_unverified_context()
    # ruleid: py-tls-certificate-not-verified
    aiohttp.TCPConnector(ssl=False)
    # ok: py-tls-certificate-not-verified
    requests.get(url, verify="/etc/ca.pem")
    # ok: py-tls-certificate-not-verified
    context = ssl.create_default_context(cafile="/etc/ca.pem")
    # ok: py-tls-certificate-not-verified
    aiohttp.TCPConnector(ssl=context)


def names(context):
    # ruleid: py-tls-host-name-not-checked
    context.check_hostname = False
    # ruleid: py-tls-host-name-not-checked
    urllib3.PoolManager(assert_hostname=False)
    # ok: py-tls-host-name-not-checked
    context.check_hostname = True
    # ok: py-tls-host-name-not-checked
    urllib3.PoolManager(assert_hostname="shop.example.org")


def protocols(context):
    # ruleid: py-tls-outdated-protocol
    ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    # ruleid: py-tls-outdated-protocol
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    # ok: py-tls-outdated-protocol
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # ok: py-tls-outdated-protocol
    context.minimum_version = ssl.TLSVersion.TLSv1_2


async def host_keys(client):
    # ruleid: py-ssh-host-key-not-verified
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ruleid: py-ssh-host-key-not-verified
    await asyncssh.connect("build", known_hosts=None)
    # ok: py-ssh-host-key-not-verified
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    # ok: py-ssh-host-key-not-verified
    await asyncssh.connect("build", known_hosts="/etc/ssh/known_hosts")


def telnet():
    # ruleid: py-cleartext-login
    return telnetlib.Telnet("switch")


def ftp(user, password):
    server = ftplib.FTP("files")
    # ruleid: py-cleartext-login
    server.login(user, password)


def ftp_mended(user, password):
    server = ftplib.FTP_TLS("files")
    # ok: py-cleartext-login
    server.login(user, password)


def mail(user, password):
    server = smtplib.SMTP("mail")
    # ruleid: py-cleartext-login
    server.login(user, password)


def mail_mended(user, password):
    server = smtplib.SMTP("mail")
    server.starttls()
    # ok: py-cleartext-login
    server.login(user, password)
