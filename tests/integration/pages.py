"""A browser as far as our pages need one: cookies by host, redirects, forms, and an Origin on what it posts. No scripts."""

import http.client
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

MOST_REDIRECTS = 10


class Form:
    def __init__(self, action):
        self.action = action
        self.fields = {}
        self.button = ""


class PageReader(HTMLParser):
    """The forms and links of a page."""

    def __init__(self):
        super().__init__()
        self.forms, self.links, self._in_button = [], [], False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "a":
            self.links.append(attributes.get("href", ""))
        self._in_button = tag == "button"

    def handle_data(self, data):
        if self._in_button and self.forms:
            self.forms[-1].button += data

    def handle_endtag(self, tag):
        if tag == "button":
            self._in_button = False


class Page:
    def __init__(self, url, status, headers, text):
        self.url, self.status, self.headers, self.text = url, status, headers, text
        reader = PageReader()
        if headers.get("Content-Type", "").startswith("text/html"):
            reader.feed(text)
        self.forms, self.links = reader.forms, reader.links

    def form(self, action):
        found = [form for form in self.forms if urlsplit(form.action).path == action]
        assert found, f"no form for {action} at {self.url}: {self.text}"
        return found[0]


class Browser:
    """Reaches hosts of the fleet through its edge, and loopback addresses as they are."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.cookies = {}  # host -> {name: value}
        self.visited = []  # (method, url, names of the cookies that were sent)

    def open(self, url, **headers):
        return self._go("GET", url, None, headers)

    def submit(self, page, form, origin=None, **fields):
        where = urlsplit(page.url)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin or f"{where.scheme}://{where.netloc}"}
        return self._go("POST", urljoin(page.url, form.action), urlencode({**form.fields, **fields}), headers)

    def _go(self, method, url, body, headers):
        for _ in range(MOST_REDIRECTS):
            page = self._ask(method, url, body, headers)
            if page.status not in (302, 303):
                return page
            method, url, body, headers = "GET", urljoin(url, page.headers["Location"]), None, {}
        raise AssertionError(f"redirected in circles: {self.visited}")

    def _ask(self, method, url, body, headers):
        target = urlsplit(url)
        edge = target if target.hostname == "127.0.0.1" else urlsplit(self.fleet.about["edge_url"])
        kept = self.cookies.setdefault(target.hostname, {})
        headers = {"Host": target.netloc, **headers}
        if kept:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        self.visited.append((method, url, sorted(kept)))
        connection = http.client.HTTPConnection(edge.hostname, edge.port, timeout=30)
        try:
            connection.request(method, (target.path or "/") + ("?" + target.query if target.query else ""), body=body, headers=headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                self._keep(kept, cookie)
            return Page(url, answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            connection.close()

    @staticmethod
    def _keep(kept, cookie):
        # What another host planted for the domain above can be taken away for that domain only.
        assert "Max-Age=0" in cookie or "domain" not in cookie.lower(), cookie
        assert "; HttpOnly" in cookie, cookie
        name, value = cookie.split(";")[0].split("=", 1)
        if "Max-Age=0" in cookie:
            kept.pop(name, None)
        else:
            kept[name] = value
