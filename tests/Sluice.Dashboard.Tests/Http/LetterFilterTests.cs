using System.Text.RegularExpressions;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Filters of dead letters, and those that cannot be meant.</summary>
public sealed partial class LetterFilterTests : IAsyncDisposable
{
    private const string Page = "/consecutors/orders/dead";

    private readonly TestClock clock = new();                       // begins on 2026-01-01
    private readonly MemoryStreamStore store;

    public LetterFilterTests() => store = new(clock);

    [Theory]
    [InlineData("node=Save", "2")]
    [InlineData("node=Sav", "")]
    [InlineData("error=TIMEOUT", "2,3")]
    [InlineData("key=ann", "1,3")]
    [InlineData("key=an", "")]
    [InlineData("text=bOOk%22", "1,2")]
    [InlineData("since=2026-01-02", "3,4")]
    [InlineData("since=2026-01-02T00:00:01Z", "4")]
    [InlineData("before=2026-01-02", "1,2")]
    [InlineData("since=2026-01-02&before=2026-01-03T00:00:00%2B00:00", "3")]
    [InlineData("key=ann&error=timeout&text=pen&node=Check", "3")]
    [InlineData("key=ann&node=Save", "")]
    public async Task EachConditionOfAFilterHoldsForTheListAndTheExport(string query, string numbers)
    {
        var letters = new Letters(store);
        await letters.AddAsync([new Letter("{\"of\":\"book\"}", Key: "ann"),
            new Letter("{\"of\":\"Book\"}", "Save", "Timeout of 3 s", Key: "bob")]);
        clock.Advance(TimeSpan.FromDays(1));
        await letters.AddAsync([new Letter("{\"of\":\"pen\"}", Error: "timeout", Key: "ann")]);
        clock.Advance(TimeSpan.FromDays(1));
        await letters.AddAsync([new Letter("ink")]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync($"{Page}?{query}")).Text, export = (await viewer.GetAsync($"{Page}.jsonl?{query}")).Text;
        Assert.Equal(numbers, string.Join(',', Number().Matches(page).Select(static one => one.Groups[1].Value).Distinct()));
        Assert.Equal(numbers, string.Join(',', ExportedNumber().Matches(export).Select(static one => one.Groups[1].Value)));
    }

    [Theory]
    [InlineData("", "3 dead letters. ", "meet")]
    [InlineData("?key=ann", "3 dead letters in all. ", "2 of them meet the filter.")]
    [InlineData("?key=bob", "3 dead letters in all. ", "1 of them meets the filter.")]
    [InlineData("?key=joe", "3 dead letters in all. ", "There are none that meet the filter.")]
    public async Task TheNumberOfLettersDoesNotPassForTheNumberThatMeetsTheFilter(string query, string all, string met)
    {
        await new Letters(store).AddAsync([new Letter("1", Key: "ann"), new Letter("2", Key: "bob"), new Letter("3", Key: "ann")]);
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync(Page + query)).Text;
        Assert.Contains($"<p>{all}", page, StringComparison.Ordinal);
        Assert.Equal(query.Length > 0, page.Contains(met, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    public async Task ANumberInAnAddressThatIsNoneIsRefused(string number)
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        Answer answer = await viewer.GetAsync($"{Page}?after={number}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("is no number of this page: write after=1, or leave it out.", answer.Text, StringComparison.Ordinal);
    }

    /// <summary>An id of an item would be looked for in all letters.</summary>
    [Theory]
    [InlineData("-5")]
    [InlineData("orders/0/1@1")]
    [InlineData("99999999999999999999")]
    public async Task WhatIsNoNumberOfALetterIsNotLookedFor(string number)
    {
        await new Letters(store).AddAsync("one");
        var watched = new WatchedStore(store);
        await using DashboardProgram program
            = await DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = watched } });
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync(Page);
        int before = watched.CallsOf(nameof(IStreamStore.ListDeadAsync));
        Assert.Equal(HttpStatusCode.NotFound, (await viewer.GetAsync($"{Page}/{Uri.EscapeDataString(number)}")).Status);
        foreach (string action in (string[])["redrive", "discard", "edit"])
        {
            Answer refused = await viewer.PostRawAsync($"/consecutors/orders/{action}", [("number", number), ("form-token", token)]);
            Assert.Equal(HttpStatusCode.NotFound, refused.Status);
            Assert.Contains("orders has no dead letter", refused.Text, StringComparison.Ordinal);
        }
        Assert.Equal(before, watched.CallsOf(nameof(IStreamStore.ListDeadAsync)));
    }

    [Fact]
    public async Task AFilterWhoseTimeIsNoTimeSaysSo()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])[Page + "?since=yesterday", Page + ".jsonl?before=%00", Page + "?since=03.04.2026",
            Page + "?since=1.5", Page + "?before=14:00", Page + ".jsonl?before=10/11"])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal((HttpStatusCode.BadRequest, true), (answer.Status, answer.Text.Contains("is no time", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task AFilterThatIsTooLongIsRefusedWithASentenceAndChangesNothing()
    {
        var letters = new Letters(store);
        await letters.AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string longer = new('x', 2001);
        foreach (string page in (string[])[$"{Page}?text={longer}", $"{Page}?by=error&node={longer}", $"{Page}.jsonl?error={longer}"])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal((HttpStatusCode.BadRequest, true), (answer.Status, answer.Text.Contains("has 2,001 characters",
                StringComparison.Ordinal)));
        }
        Answer posted = await viewer.PostAsync("/consecutors/orders/discard", Page, ("text", new string('x', 600_000)), ("last", "9"));
        Assert.Equal(HttpStatusCode.BadRequest, posted.Status);
        Assert.InRange(posted.Text.Length, 1, 5_000);
        Assert.Single(await letters.ListAsync());
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private Task<DashboardProgram> StartAsync()
        => DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } });

    [GeneratedRegex("/dead/([0-9]+)\"")]
    private static partial Regex Number();

    [GeneratedRegex("\"number\":([0-9]+)")]
    private static partial Regex ExportedNumber();
}
