"""Cases for rules/python/queries.yaml; read by semgrep --test, never run."""

import ldap
import ldap.filter
import ldap3
import xml.sax
import xml.sax.handler
from xml.dom import minidom
from xml.etree import ElementTree

import defusedxml.ElementTree
import streamlit as st
from fastapi import FastAPI, UploadFile
from flask import Flask, request
from ldap3.utils.conv import escape_filter_chars
from lxml import etree

api = FastAPI()
app = Flask(__name__)


@app.route("/ldap")
def flask_ldap(connection):
    name = request.args["name"]
    # ruleid: py-ldap-injection
    connection.search_s("dc=x", ldap.SCOPE_SUBTREE, f"(uid={name})")
    safe = ldap.filter.escape_filter_chars(name)
    # ok: py-ldap-injection
    connection.search_s("dc=x", ldap.SCOPE_SUBTREE, f"(uid={safe})")


def django_ldap(request):
    connection = ldap3.Connection(server)
    # ruleid: py-ldap-injection
    connection.search("dc=x", "(uid=" + request.POST["name"] + ")")
    # ok: py-ldap-injection
    connection.search("dc=x", "(uid=" + escape_filter_chars(request.POST["name"]) + ")")


@api.get("/xpath")
def fastapi_xpath(name: str, tree: Tree = Depends(tree)):
    # ruleid: py-xpath-injection
    tree.xpath(f"//user[@name='{name}']")
    # ok: py-xpath-injection
    tree.xpath("//user[@name=$name]", name=name)


async def aiohttp_xpath(request):
    # ruleid: py-xpath-injection
    find = etree.XPath("//user[@name='" + request.query["name"] + "']")
    # ok: py-xpath-injection
    find = etree.XPath("//user[@id=%d]" % int(request.query["id"]))


@app.route("/mongo")
def flask_mongo(users):
    body = request.get_json()
    # ruleid: py-nosql-injection
    users.find_one({"name": body["name"], "password": body["password"]})
    # ok: py-nosql-injection
    users.find_one({"name": str(body["name"])})


async def aiohttp_mongo(request, users):
    # ruleid: py-nosql-injection
    await users.delete_many(await request.json())
    body = await request.json()
    # ok: py-nosql-injection
    await users.delete_many({"owner": str(body["owner"])})


def django_xml(request):
    # ruleid: py-xml-entity-expansion
    ElementTree.fromstring(request.body)
    # ruleid: py-xml-entity-expansion
    minidom.parseString(request.body)
    # ok: py-xml-entity-expansion
    defusedxml.ElementTree.fromstring(request.body)


@api.post("/xml")
async def fastapi_xml(upload: UploadFile):
    # ruleid: py-xml-entity-expansion
    etree.parse(upload.file)
    # ok: py-xml-entity-expansion
    etree.parse(upload.file, etree.XMLParser(resolve_entities=False))


# ruleid: py-xml-entity-expansion
tree = etree.fromstring(st.text_area("xml"))


def parsers():
    # ruleid: py-xml-parser-external-entities
    etree.XMLParser(resolve_entities=True)
    # ruleid: py-xml-parser-external-entities
    etree.XMLParser(load_dtd=True, no_network=False)
    reader = xml.sax.make_parser()
    # ruleid: py-xml-parser-external-entities
    reader.setFeature(xml.sax.handler.feature_external_ges, True)
    # ok: py-xml-parser-external-entities
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    # ok: py-xml-parser-external-entities
    etree.XMLParser(resolve_entities=False, no_network=True)
