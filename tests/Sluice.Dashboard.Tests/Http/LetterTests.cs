using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.Delivery;
using Sluice.Policies;
using Sluice.Storage;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Dead letters over HTTP: exports, changes by filter, edited ones, and the audit.</summary>
public sealed partial class LetterTests : IAsyncDisposable
{
    private const string Page = "/consecutors/orders/dead";

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task TheExportHasEveryLetterWithItsBytes()
    {
        var letters = new Letters(store);
        await letters.AddAsync(Enumerable.Range(0, 1203).Select(static i => i % 100 == 7
            ? new Letter("", Bytes: [0xff, 0, (byte)i]) : new Letter($"{{\"n\":{i},\"<b>\":\"\u2028\"}}",
                Error: "line\n\"two\" \u0001 </script>")));
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Answer export = await viewer.GetAsync(Page + ".jsonl");
        Assert.Equal("application/x-ndjson", export.Headers["Content-Type"]);
        string[] lines = export.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IReadOnlyList<StoredDeadLetter> all = await letters.ListAsync();
        Assert.Equal(all.Count, lines.Length);
        foreach ((string line, StoredDeadLetter letter) in lines.Zip(all))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement one = json.RootElement;
            byte[] bytes = one.TryGetProperty("text", out JsonElement text) ? Encoding.UTF8.GetBytes(text.GetString()!)
                : one.GetProperty("base64").GetBytesFromBase64();
            Assert.Equal(letter.Entry.Payload.ToArray(), bytes);
            Assert.Equal((letter.Number, letter.Node, letter.Error, letter.Path, letter.Attempts, letter.DiedAt),
                (one.GetProperty("number").GetInt64(), one.GetProperty("node").GetString(), one.GetProperty("error").GetString(),
                    one.GetProperty("path").GetString(), one.GetProperty("attempts").GetInt32(), one.GetProperty("diedAt")
                        .GetDateTimeOffset()));
        }
        Assert.Equal(110, (await viewer.GetAsync(Page + ".jsonl?text=" + Uri.EscapeDataString("\"n\":11"))).Text.Count(static c
            => c == '\n'));
    }

    [Fact]
    public async Task TheStackOfAFailureIsShownBelowItsErrorAndExported()
    {
        const string stack = "   at Shop.Check(Int32 n) <i>in Shop.cs\n   at Shop.Run()";
        await new Letters(store).AddAsync([new Letter("1", Error: $"FormatException: no <b>good\n{stack}"), new Letter("2")]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string list = (await viewer.GetAsync(Page)).Text, one = (await viewer.GetAsync(Page + "/1")).Text;
        Assert.Contains("<td>FormatException: no &lt;b&gt;good</td>", list, StringComparison.Ordinal);
        Assert.DoesNotContain("Shop.", list, StringComparison.Ordinal);
        Assert.Contains("<pre tabindex=\"0\">FormatException: no &lt;b&gt;good</pre>", one, StringComparison.Ordinal);
        Assert.Contains(stack + "</pre>", WebUtility.HtmlDecode(one), StringComparison.Ordinal);
        Assert.DoesNotContain("<i>", one, StringComparison.Ordinal);
        Assert.Contains("<dt>Path</dt><dd>Read › Check</dd>", one, StringComparison.Ordinal);
        Assert.Contains("<dt>Attempts</dt><dd>3</dd>", one, StringComparison.Ordinal);
        Assert.DoesNotContain("Stack", (await viewer.GetAsync(Page + "/2")).Text, StringComparison.Ordinal);
        JsonElement[] lines = [.. (await viewer.GetAsync(Page + ".jsonl")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(stack, lines[0].GetProperty("stack").GetString());
        Assert.Equal("FormatException: no <b>good", lines[0].GetProperty("error").GetString());
        Assert.False(lines[1].TryGetProperty("stack", out _));
    }

    [Fact]
    public async Task AnExportThatFailsOnTheWayDoesNotLookWhole()
    {
        await new Letters(store).AddAsync(Enumerable.Range(0, 1500).Select(static i => new Letter($"letter {i}")));
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        await viewer.GetAsync("");
        int lists = 0;
        watched.Before = name =>
        {
            if (name == "ListDeadAsync" && ++lists == 3) watched.Failure = new StreamStoreException("the disk is gone");
        };
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => viewer.GetAsync(Page + ".jsonl"));
        watched.Before = null;
        Answer atOnce = await viewer.GetAsync(Page + ".jsonl");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, atOnce.Status);
        Assert.DoesNotContain("Content-Disposition", atOnce.Headers.Keys);
    }

    [Theory]
    [InlineData("redrive", "Redrive", "redriven")]
    [InlineData("discard", "Discard", "discarded")]
    public async Task ByFilterThoseThatWereCountedAreChangedAndNoLaterOnes(string path, string verb, string done)
    {
        var letters = new Letters(store);
        await letters.AddAsync(Enumerable.Range(0, 250).Select(static i => new Letter($"{i}", Node: i % 2 == 0 ? "Check" : "Save")));
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string address = $"/consecutors/orders/{path}";
        Answer asked = await viewer.PostAsync(address, Page, ("node", "Check"));
        Assert.Equal(HttpStatusCode.OK, asked.Status);
        Assert.Contains($"{verb} 125 dead letters?", asked.Text, StringComparison.Ordinal);
        Assert.Equal(250, (await letters.ListAsync()).Count);
        await letters.AddAsync(Enumerable.Range(0, 7).Select(static i => new Letter($"later {i}")));
        Answer changed = await viewer.PostRawAsync(address, [.. Hidden().Matches(asked.Text)
            .Select(static field => (field.Groups[1].Value, WebUtility.HtmlDecode(field.Groups[2].Value)))]);
        Assert.Equal(HttpStatusCode.SeeOther, changed.Status);
        IReadOnlyList<StoredDeadLetter> left = await letters.ListAsync();
        Assert.Equal(125 + 7, left.Count);
        Assert.Equal(7, left.Count(static letter => letter.Node == "Check"));
        Answer shown = await viewer.GetAsync(changed.Headers["Location"]["/sluice".Length..]);
        Assert.Contains($"125 letters {done}.", shown.Text, StringComparison.Ordinal);
        Assert.Contains("132 dead letters.", shown.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnEditedLetterThatIsPostedTwiceIsOneItem()
    {
        await new Letters(store).AddAsync("bad", "two");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync(Page);
        long before = (await store.FindStreamAsync("orders", Cancellation))!.Appended;
        Task<Answer>[] posts = [.. Enumerable.Range(0, 8).Select(i => viewer.PostRawAsync("/consecutors/orders/edit",
            [("form-token", token), ("number", "1"), ("payload", "good\r\nline\u2028with\u0085\fends")]))];
        Answer[] answers = await Task.WhenAll(posts);
        Assert.Contains(answers, static answer => answer.Headers.GetValueOrDefault("Location")?.Contains("done=sent",
            StringComparison.Ordinal) == true);
        Assert.All(answers, static answer => Assert.True(answer.Status is HttpStatusCode.SeeOther or HttpStatusCode.NotFound, answer.Text));
        Assert.Equal(before + 1, (await store.FindStreamAsync("orders", Cancellation))!.Appended);
        ReadResult read = await store.ReadAsync(new("orders", 0, before + 1), Cancellation);
        Assert.Equal("good\nline\u2028with\u0085\fends", Encoding.UTF8.GetString(read.Entries.Span[^1].Payload.Span));
        string audit = WebUtility.HtmlDecode((await viewer.GetAsync("/audit")).Text);
        Assert.Contains("Edit the dead letter 1 of orders and send it again, as: good\nline", audit, StringComparison.Ordinal);
        Assert.Contains(">sent<", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LettersThatAreNoItemsOfTheirOwnAreNotEdited()
    {
        var letters = new Letters(store);
        await letters.AddAsync(
        [
            new Letter("", Headers: new EntryHeaders("t", "Check") { Timer = "due" }.ToBytes()),
            new Letter("[1]", Headers: new EntryHeaders("p", "Check") { Part = new ListPart(0, 1, 2) }.ToBytes()),
            new Letter("", Headers: new EntryHeaders("e", null) { EndOf = new("orders", "import") }.ToBytes()),
        ]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync(Page);
        foreach ((string number, string sentence) in ((string, string)[])[("1", "is a timer"), ("2", "is a part of a divided list"),
            ("3", "is the end of a batch")])
        {
            Answer page = await viewer.GetAsync($"{Page}/{number}");
            Assert.Contains(sentence, page.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("<textarea", page.Text, StringComparison.Ordinal);
            Answer refused = await viewer.PostRawAsync("/consecutors/orders/edit", [("form-token", token), ("number", number), ("payload",
                "x")]);
            Assert.NotEqual(HttpStatusCode.SeeOther, refused.Status);
            Assert.NotEqual(HttpStatusCode.InternalServerError, refused.Status);
            Assert.Contains(sentence, refused.Text, StringComparison.Ordinal);
        }
        Assert.Equal(3, (await letters.ListAsync()).Count);
    }

    [Fact]
    public async Task TheAuditHasBothLinesOfAnActionAlsoOfOneThatFailed()
    {
        var letters = new Letters(store);
        await letters.AddAsync("one", "two");
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        await viewer.PostAsync("/consecutors/orders/discard", Page, ("number", "1"));
        string token = await viewer.TokenAsync(Page);
        watched.Before = name => watched.Failure = name == "RedriveAsync" ? new StreamStoreException("no room <b>") : null;
        Answer failed = await viewer.PostRawAsync("/consecutors/orders/redrive", [("form-token", token), ("number", "2")]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.Status);
        Assert.Contains("no room &lt;b&gt;", failed.Text, StringComparison.Ordinal);
        string audit = (await viewer.GetAsync("/audit")).Text;
        string[] outcomes = [.. Row().Matches(audit).Select(static row => WebUtility.HtmlDecode(row.Groups[1].Value))];
        Assert.Equal(["failed: no room <b>", "begun", "discarded", "begun"], outcomes);
        Assert.Equal(1, (await letters.ListAsync()).Count(static letter => letter.Number == 2));

        watched.Before = name => watched.Failure = name == "AppendAsync" ? new StreamStoreException("It is full.") : null;
        Answer full = await viewer.PostRawAsync("/consecutors/orders/discard", [("form-token", token), ("number", "2")]);
        Assert.Contains("Nothing was changed, because the audit could not be written: It is full. If the store is full, sluice discard and "
            + "sluice pause still work: they write no audit.", full.Text, StringComparison.Ordinal);
        Assert.Single(await letters.ListAsync());                    // without the audit, nothing is changed
    }

    [Fact]
    public async Task AFormThatIsTooLongIsRefusedAndChangesNothing()
    {
        var letters = new Letters(store);
        await letters.AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync(Page), body = $"form-token={token}&number=1&payload=" + new string('x', 1_000_001);
        foreach (bool isChunked in (bool[])[false, true])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, viewer.Address("/consecutors/orders/edit"))
            {
                Content = new StringContent(body, Encoding.ASCII, "application/x-www-form-urlencoded")
            };
            if (isChunked) (request.Headers.TransferEncodingChunked, request.Content.Headers.ContentLength) = (true, null);
            Assert.Equal(HttpStatusCode.BadRequest, (await viewer.SendAsync(request)).Status);
        }
        using var noForm = new HttpRequestMessage(HttpMethod.Post, viewer.Address("/consecutors/orders/edit"))
        {
            Content =
            new StringContent("{}")
        };
        Assert.Equal(HttpStatusCode.BadRequest, (await viewer.SendAsync(noForm)).Status);
        Assert.Single(await letters.ListAsync());
    }

    [Fact]
    public async Task MaskedPayloadsAreMaskedEverywhere()
    {
        const string secret = "4111111111111111";
        var letters = new Letters(store);
        await letters.AddAsync(new string('x', 190) + $" card={secret}.", $"{{\"card\":\"{secret}\"}}");
        await using var local = new Consecutor<string>("counts", static source => source.Scan("", static (_, text)
            => text) | Stage.Named("last") | (static _ => { }),
            new() { Store = store });
        await local.StartAsync(Cancellation);
        await local.SendAsync($"card={secret}.", Cancellation);
        await local.WaitForIdleAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            MaskPayload = static (_, text) => Card().Replace(text, "####"),
        });
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])[Page, Page + "/1", Page + "/2", Page + ".jsonl", "/consecutors/counts/state?key="])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            Assert.DoesNotContain("4111", answer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("<textarea", answer.Text, StringComparison.Ordinal);
            if (!page.EndsWith(Page, StringComparison.Ordinal)) Assert.Contains("####", answer.Text, StringComparison.Ordinal);
        }
        string token = await viewer.TokenAsync(Page);
        foreach (string path in (string[])["redrive", "discard"])
        {
            Answer search = await viewer.PostRawAsync($"/consecutors/orders/{path}", [("form-token", token), ("text", "4111")]);
            Assert.Equal((HttpStatusCode.BadRequest, true), (search.Status, search.Text.Contains("cannot be searched",
                StringComparison.Ordinal)));
        }
        foreach (string page in (string[])[Page + "?text=4111", Page + ".jsonl?text=4111"])
            Assert.Equal(HttpStatusCode.BadRequest, (await viewer.GetAsync(page)).Status);
        Answer edit = await viewer.PostRawAsync("/consecutors/orders/edit", [("form-token", token), ("number", "1"), ("payload", "x")]);
        Assert.Equal((HttpStatusCode.NotFound, true), (edit.Status, edit.Text.Contains("cannot be edited", StringComparison.Ordinal)));
        Assert.Equal(2, (await letters.ListAsync()).Count);
    }

    [Fact]
    public async Task AMaskThatThrowsShowsNothing()
    {
        await new Letters(store).AddAsync("secret");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            MaskPayload = static (_, text) => throw new FormatException(text),
        });
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])[Page, Page + "/1", Page + ".jsonl"])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
            Assert.Contains("MaskPayload has failed", answer.Text, StringComparison.Ordinal);
        }
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<DashboardProgram> StartAsync(IStreamStore? shown = null)
        => DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = shown ?? store } });

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">")]
    private static partial Regex Hidden();

    [GeneratedRegex("<td>([^<]*)</td></tr>")]
    private static partial Regex Row();

    [GeneratedRegex("\\d{16}(?=[.\"])")]
    private static partial Regex Card();
}
