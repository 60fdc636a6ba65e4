using System.Text;
using Sluice.Dashboard.Serving;
using Sluice.Storage;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Addresses of pages, their headers, and names of any characters in them.</summary>
public sealed class AddressTests : IAsyncDisposable
{
    private static readonly string[] Pages =
    [
        "", "/", "/streams", "/flows", "/audit", "/consecutors/orders", "/consecutors/orders/dead", "/consecutors/orders/dead/1",
        "/consecutors/orders/state", "/consecutors/orders/dead.jsonl",
    ];

    private const string Special = "/~%.?#\\&+ \"'<>;:@=";

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task EveryAnswerHasTheHeadersThatProtectIt()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer(), stranger = program.NewViewer(("Host", "evil.example"));
        foreach (string page in Pages) await CheckAsync(viewer, page, HttpStatusCode.OK);
        foreach (string page in (string[])["/nothing", "/consecutors/none", "/consecutors/orders/dead/9", "/assets/none.js", "/runs/none"])
            await CheckAsync(viewer, page, HttpStatusCode.NotFound);
        await CheckAsync(viewer, "/assets/dashboard.css", HttpStatusCode.OK);
        await CheckAsync(viewer, "/assets/dashboard.js", HttpStatusCode.OK);
        await CheckAsync(stranger, "", HttpStatusCode.Forbidden);
        await CheckAsync(stranger, "/assets/dashboard.js", HttpStatusCode.Forbidden);
        Protected(await viewer.PostRawAsync("/consecutors/orders/discard", [("number", "1")]), "a refused form");
        Protected(await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead", ("number", "1")), "a form");

        using var events = new HttpRequestMessage(HttpMethod.Get, viewer.Address(""));
        events.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        using HttpResponseMessage stream = await viewer.Client.SendAsync(events, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.True(stream.Headers.Contains("Content-Security-Policy"), "A stream of events has no policy.");
    }

    [Fact]
    public async Task AFailureOfTheProgramIsToldWithTheHeaders()
    {
        var watched = new WatchedStore(store);
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(
            new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = watched } });
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        watched.Failure = new StreamStoreException("the disk is full");
        Answer away = await viewer.GetAsync("/consecutors/orders/dead");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (away.Status, away.Text.Contains("the disk is full",
            StringComparison.Ordinal)));
        Protected(away, "the answer without a store");
        watched.Failure = new NotSupportedException("<odd>");
        Answer failed = await viewer.GetAsync("/consecutors/orders/dead");
        Assert.Equal((HttpStatusCode.InternalServerError, true), (failed.Status, failed.Text.Contains("<odd>", StringComparison.Ordinal)));
        Assert.StartsWith("text/plain", failed.Headers["Content-Type"], StringComparison.Ordinal);
        Protected(failed, "a failure");
    }

    [Fact]
    public async Task HeadHasTheHeadersOfGetAndNoContent()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])[.. Pages, "/assets/dashboard.js"])
        {
            Answer got = await viewer.GetAsync(page), head = await viewer.SendAsync(new(HttpMethod.Head, viewer.Address(page)));
            Assert.Equal((got.Status, got.Headers["Content-Type"], ""), (head.Status, head.Headers["Content-Type"], head.Text));
        }
    }

    [Fact]
    public async Task AnUnknownNameGetsAPageWithASentence()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        foreach ((string path, string sentence) in ((string, string)[])
        [
            ("/consecutors/%3Cb%3Enone", "There is no consecutor of the name &#x27;&lt;b&gt;none&#x27;"),
            ("/flows/none", "There is no run"), ("/runs/none", "There is no run"), ("/graphs/none", "There is no graph"),
            ("/streams?store=none", "There is no such store"), ("/x/y/z", "no page of this address"),
        ])
        {
            Answer answer = await viewer.GetAsync(path);
            Assert.Equal(HttpStatusCode.NotFound, answer.Status);
            Assert.Contains(sentence, answer.Text, StringComparison.Ordinal);
        }
        Answer posted = await viewer.PostRawAsync("/consecutors/none/redrive", []);
        Assert.Equal(HttpStatusCode.Forbidden, posted.Status);
    }

    [Fact]
    public async Task ABrowserThatLoadsTheAddressOfAFormIsLedToThePageBefore()
    {
        string name = "a/b%2F~ <b>";
        var letters = new Letters(store, name);
        await letters.AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string address = "/consecutors/" + PathName.Encode(name);
        foreach ((string form, string page) in ((string, string)[])[("/redrive", "/dead"), ("/discard", "/dead"), ("/edit", "/dead"),
            ("/pause", ""), ("/drain", "")])
        {
            Answer led = await viewer.GetAsync(address + form + "?store=main");
            Assert.Equal(HttpStatusCode.SeeOther, led.Status);
            Assert.Equal($"/sluice{address}{page}?store=main", led.Headers["Location"]);
            Protected(led, form);
            Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync(led.Headers["Location"]["/sluice".Length..])).Status);
        }
        Assert.Equal("/sluice/flows/r", (await viewer.GetAsync("/flows/r/cancel")).Headers["Location"]);
        Assert.Single(await letters.ListAsync());
    }

    [Fact]
    public async Task NamesOfAnyCharactersLeadToTheirPages()
    {
        var names = new List<string>
        {
            "a/b", "~", "~1", "~0~1~2~3~4", "%", "%2F", "%252F", "..", ".", "...", "a/../b", "?", "#", "a?b=c#d", "\\", "😀", "new line no",
                " ",
            "+", "a+b c", "dead", "/dead", "x/dead/1", "state", "'\"<>&", "\u202Egnp", "~4d800", "é́",
            new('x', 200), new('/', 200), ";", ":", "@", "sluice", "null", "{name}", "*", "$", "con",
        };
        var random = new Random(4711);
        while (names.Count < 340) names.Add(RandomName(random));
        foreach (string name in names.Distinct()) await new Letters(store, name).AddAsync("payload of it");
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        foreach (string name in names.Distinct())
        {
            string address = "/consecutors/" + PathName.Encode(name);
            Assert.Equal(name, PathName.Decode(Uri.UnescapeDataString(PathName.Encode(name))));
            foreach (string page in (string[])["", "/dead", "/dead/1", "/state"])
            {
                Answer answer = await viewer.GetAsync(address + page);
                Assert.True(answer.Status == HttpStatusCode.OK, $"{Codes(name)}: {answer.Status} of {address}{page}");
                if (page == "/dead")
                {
                    Assert.Contains($"{program.Root["http://".Length..].Split('/', 2)[1].Insert(0, "/")}{address}/dead/1\"", answer.Text,
                        StringComparison.Ordinal);
                    Assert.Contains($"{address}/dead.jsonl\"", answer.Text, StringComparison.Ordinal);
                }
            }
            Answer export = await viewer.GetAsync(address + "/dead.jsonl");
            Assert.Contains("payload of it", export.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TheDashboardCanBeAtTheRootAndAtAnyPath()
    {
        await new Letters(store).AddAsync("one");
        foreach (string prefix in (string[])["", "/a/b", "/deadpool"])
        {
            await using DashboardProgram program = await DashboardProgram.StartAsync(Options(), prefix: prefix);
            using Viewer viewer = program.NewViewer();
            Answer answer = await viewer.GetAsync("/consecutors/orders/dead");
            Assert.Contains($"href=\"{prefix}/consecutors/orders/dead.jsonl\"", answer.Text, StringComparison.Ordinal);
            Assert.Contains($"class=\"home\" href=\"{(prefix.Length == 0 ? "/" : prefix)}\"", answer.Text, StringComparison.Ordinal);
            Answer done = await viewer.PostAsync("/consecutors/orders/redrive", "/consecutors/orders/dead", ("number", "9"));
            Assert.Equal(HttpStatusCode.NotFound, done.Status);
        }
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task CheckAsync(Viewer viewer, string page, HttpStatusCode expected)
    {
        Answer answer = await viewer.GetAsync(page);
        Assert.True(answer.Status == expected, $"{page}: {answer.Status} instead of {expected}: {answer.Text}");
        Protected(answer, page);
    }

    private static void Protected(Answer answer, string what)
    {
        string policy = answer.Headers.GetValueOrDefault("Content-Security-Policy", "");
        Assert.True(policy.StartsWith("default-src 'none'", StringComparison.Ordinal), $"{what} has no policy.");
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Headers.GetValueOrDefault("X-Content-Type-Options"));
        Assert.Equal("DENY", answer.Headers.GetValueOrDefault("X-Frame-Options"));
        Assert.Equal("same-origin", answer.Headers.GetValueOrDefault("Referrer-Policy"));
        Assert.Contains("no-", answer.Headers.GetValueOrDefault("Cache-Control"), StringComparison.Ordinal);
    }

    private static string RandomName(Random random)
    {
        var name = new StringBuilder();
        int length = random.Next(1, 40);
        while (name.Length < length)
        {
            char next = random.Next(3) switch
            {
                0 => Special[random.Next(Special.Length)],
                1 => (char)random.Next(32, 127),
                _
                => (char)random.Next(160, 65536)
            };
            if (!char.IsControl(next) && !char.IsSurrogate(next)) name.Append(next);
        }
        return name.ToString();
    }

    private static string Codes(string name) => string.Join(' ', name.Select(static c => $"{(int)c:x4}"));

    private DashboardOptions Options() => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } };
}
